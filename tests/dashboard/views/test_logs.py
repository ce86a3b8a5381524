"""Log search: every condition, pages without gaps, one record, live, downloads that are safe to open."""

import csv
import io
import json
import re
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from dashboard.panels.log_filter import read_matcher
from dashboard.templatetags.log_text import searched, visible
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import MatchOp
from telemetry.store import TelemetryStore, set_current
from tests.dashboard.people import client_with_role
from tests.dashboard.views.fleet_data import make_services, send_logs

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(store: TelemetryStore) -> Client:
    return client_with_role("operator")


def bodies(answer: object) -> list[str]:
    return [line.body for line in answer.context["page"].lines]  # type: ignore[attr-defined]


def test_records_come_newest_first(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", "first", "second", "third")
    assert bodies(client.get("/logs")) == ["third", "second", "first"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"service": "api"}, {"api info", "api oops"}),
        ({"service": ["api", "web"]}, {"api info", "api oops", "web info"}),
        ({"severity": "error"}, {"api oops"}),
        ({"severity": "error+"}, {"api oops", "db down"}),
        ({"severity": "info"}, {"api info", "web info"}),
        ({"q": "INFO"}, {"api info", "web info"}),
        ({"label": "pod=api-1"}, {"api info"}),
        ({"label": "pod=~api-.*"}, {"api info", "api oops"}),
        ({"label": ["pod!=api-1", "pod!="]}, {"api oops"}),
        ({"q": "no such"}, set()),
    ],
)
def test_conditions_narrow_the_page_and_its_histogram(
    store: TelemetryStore, client: Client, query: dict[str, str], expected: set[str]
) -> None:
    send_logs(store, "api", "api info", pod="api-1")
    send_logs(store, "api", "api oops", severity=17, pod="api-2")
    send_logs(store, "web", "web info")
    send_logs(store, "db", "db down", severity=21)
    answer = client.get("/logs?" + urlencode(query, doseq=True))
    assert set(bodies(answer)) == expected
    assert answer.context["page"].total == len(expected)


def test_pages_follow_one_another_without_gap_or_repetition(store: TelemetryStore, client: Client) -> None:
    sent = [f"line {number}" for number in range(250)]
    send_logs(store, "api", *sent)
    seen: list[str] = []
    address: str | None = "/logs"
    while address:
        answer = client.get(address)
        seen += bodies(answer)
        following = re.search(r'rel="next" href="([^"]+)"', answer.content.decode())
        address = "/logs" + following[1].replace("&amp;", "&") if following else None
    assert seen == sent[::-1]


@pytest.mark.parametrize(
    "query", ["severity=shouting", "label=nonsense", "label=pod%3D~(", "before=never", "severity=%2B"]
)
def test_a_condition_that_cannot_be_read_is_named(client: Client, query: str) -> None:
    answer = client.get(f"/logs?{query}")
    assert answer.status_code == 200
    assert "The filter was not understood" in answer.content.decode()


def test_one_record_opens_as_a_part_and_as_a_page_of_its_own(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", "before", '{"took_ms": 12}', "after", pod="api-1")
    line = next(one for one in client.get("/logs").context["page"].lines if "took" in one.body)
    part = client.get(line.href, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "&quot;took_ms&quot;: 12" in part
    assert "label=pod%3Dapi-1" in part
    page = client.get(line.href).content.decode()
    assert "<html" in page
    assert "before" in page
    assert "after" in page


@pytest.mark.parametrize("query", ["", "at=1&service=api&mark=x", "at=-1", "at=99999999999999999999", "at=x"])
def test_a_record_that_is_not_there_is_not_found(store: TelemetryStore, client: Client, query: str) -> None:
    assert client.get(f"/logs/record?{query}").status_code == 404


def test_facets_count_values_and_lead_to_them(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", "a", "b", pod="api-1")
    send_logs(store, "api", "c", pod="api-2")
    send_logs(store, "web", "d", severity=17)
    part = client.get("/logs/facets?q=").content.decode()
    assert 'href="/logs?q=&amp;service=api"' in part
    assert "label=pod%3Dapi-1" in part
    chosen = client.get("/logs/facets?service=api").content.decode()
    assert re.search(r'href="/logs\?"[^>]*aria-current="true"', chosen)


def test_the_live_mode_shows_what_arrived_since(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", "old")
    cursor = client.get("/logs").context["page"].newest
    assert "<li" not in client.get(f"/logs/newer?after={cursor}").content.decode()
    send_logs(store, "api", "x", "new <b>")
    part = client.get(f"/logs/newer?after={cursor}").content.decode()
    assert "new &lt;b&gt;" in part
    following = re.search(r'data-cursor="([\d-]+)"', part)
    assert following
    assert "<li" not in client.get(f"/logs/newer?after={following[1]}").content.decode()


def test_a_bad_cursor_of_the_live_mode_is_an_error_in_words(client: Client) -> None:
    assert client.get("/logs/newer?after=yesterday").status_code == 400


def test_downloads_have_every_record_and_no_formula(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", "=1+1", 'say "hi", twice', "plain\nsecond line")
    lines = b"".join(client.get("/logs?format=json").streaming_content).decode().splitlines()
    assert [json.loads(line)["body"] for line in lines] == ["plain\nsecond line", 'say "hi", twice', "=1+1"]
    rows = list(csv.DictReader(io.StringIO(b"".join(client.get("/logs?format=csv").streaming_content).decode())))
    assert [row["body"] for row in rows] == ["plain\nsecond line", 'say "hi", twice', "'=1+1"]
    assert json.loads(rows[0]["stream"]) == {"service_name": "api"}


def test_the_searched_text_is_marked_and_markup_is_text(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", "<img src=x onerror=alert(1)> needle")
    page = client.get("/logs?q=NEEDLE").content.decode()
    assert "<mark>needle</mark>" in page
    assert "<img src=x" not in page


def test_an_empty_page_says_how_to_fill_it(store: TelemetryStore, client: Client) -> None:
    page = client.get("/logs").content.decode()
    assert "/loki/api/v1/push" in page
    assert "Clear the filters" in client.get("/logs?q=nothing").content.decode()


def test_without_telemetry_the_page_says_so() -> None:
    set_current(None)
    make_services("api")
    answer = client_with_role("operator").get("/logs")
    assert answer.status_code == 200
    assert "Log records could not be read" in answer.content.decode()


def test_a_cost_viewer_reads_no_logs(store: TelemetryStore) -> None:
    client = client_with_role("cost_viewer")
    for path in ("/logs", "/logs/facets", "/logs/newer", "/logs/record"):
        assert client.get(path).status_code == 403


def test_matchers_are_read_with_and_without_quotes() -> None:
    assert (read_matcher('pod="a=b"').value, read_matcher("pod=a=b").value) == ("a=b", "a=b")
    assert read_matcher(" pod !~ x.* ".replace(" !~ ", "!~")).op is MatchOp.NOT_REGEX
    with pytest.raises(InvalidInput, match="not a label condition"):
        read_matcher("=x")


@given(st.text())
def test_shown_text_has_no_markup_and_no_hidden_characters(text: str) -> None:
    shown = visible(text)
    bare = re.sub(r'<span class="control" title="U\+[0-9A-F]{4}">|</span>', "", shown)
    assert "<" not in bare
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


@given(st.text(), st.text(min_size=1, max_size=3))
def test_marking_changes_nothing_but_the_marks(text: str, wanted: str) -> None:
    assert searched(text, wanted).replace("<mark>", "").replace("</mark>", "") == visible(text)
