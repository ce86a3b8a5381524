"""Log search: every condition, pages without gaps, one record, live, downloads that are safe to open."""

import asyncio
import csv
import io
import json
import re
from urllib.parse import urlencode

import pyarrow as pa
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.panels.log_filter import LogFilter, read_matcher
from dashboard.panels.log_lines import log_line
from dashboard.panels.log_match import record_fits
from dashboard.panels.log_query import is_logql
from dashboard.panels.log_tail import LogTail
from dashboard.panels.log_tree import json_tree
from dashboard.panels.log_words import SearchWords, search_words
from dashboard.panels.time_range import page_range
from dashboard.templatetags.log_text import searched, visible
from dashboard.views.log_tail import _event, looks_of_feed
from fleet.models import SavedSearch
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import MatchOp
from telemetry.model.logs import LogBatch
from telemetry.store import TelemetryStore, set_current
from telemetry.store.live_feed import CommittedLogs
from tests.dashboard.people import client_with_role
from tests.dashboard.views.fleet_data import make_services, send_logs
from tests.telemetry.batches import log_batch

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
        ({"q": "oops api"}, {"api oops"}),
        ({"q": '"api oops"'}, {"api oops"}),
        ({"q": '"oops api"'}, set()),
        ({"q": "info -web"}, {"api info"}),
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
    for path in ("/logs", "/logs/facets", "/logs/tail", "/logs/record/context", "/logs/record"):
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


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("", (), ()),
        ("two words", ("two", "words"), ()),
        ('say "a phrase" now', ("say", "a phrase", "now"), ()),
        ("with -without", ("with",), ("without",)),
        ('-"not this"', (), ("not this",)),
        ('a "quote \\" inside"', ("a", 'quote " inside'), ()),
        ("- lone", ("-", "lone"), ()),
        ('"open', ('"open',), ()),
    ],
)
def test_plain_words_are_read(text: str, wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> None:
    assert search_words(text) == SearchWords(wanted, unwanted)


FIELDS = [
    '{"event": "a", "status": 500, "user": {"name": "ada"}, "ok": true}',
    '{"event": "b", "status": 200, "user": {"name": "bob"}}',
    "no json",
]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("status=500", {"a"}),
        ("status!=500", {"b", "no json"}),
        ("status=~5..", {"a"}),
        ("user.name=bob", {"b"}),
        ("ok=true", {"a"}),
        ("missing=1", set()),
    ],
)
def test_fields_of_records_narrow_the_page_and_the_live_tail_alike(
    store: TelemetryStore, client: Client, field: str, expected: set[str]
) -> None:
    send_logs(store, "api", *FIELDS)
    found = client.get("/logs?" + urlencode({"field": field})).context["page"].lines
    assert {line.message for line in found} == expected
    fits = record_fits(LogFilter(fields=(field,)).query(page_range({})))
    every = [line.record for line in client.get("/logs").context["page"].lines]
    assert {log_line(record).message for record in every if fits(record)} == expected


@given(
    text=st.text(alphabet='abAB -"', max_size=12),
    bodies=st.lists(st.text(alphabet="abAB -", min_size=1, max_size=8), min_size=1, max_size=4),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_live_tail_and_the_store_agree_on_words(store: TelemetryStore, text: str, bodies: list[str]) -> None:
    store.clear()
    send_logs(store, "api", *bodies)
    query = LogFilter(text=text).query(page_range({}))
    every = store.search_logs(LogFilter().query(page_range({})))
    assert [one.body for one in every if record_fits(query)(one)] == [one.body for one in store.search_logs(query)]


def test_fields_are_listed_with_their_values_in_and_out(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", *FIELDS)
    part = client.get("/logs/facets").content.decode()
    assert "field=status%3D500" in part
    assert "field=status%21%3D500" in part
    assert "user.name" in part


def test_the_table_has_the_chosen_columns(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", *FIELDS, pod="api-1")
    answer = client.get("/logs?view=table&col=status&col=pod&col=user.name")
    assert [row.cells for row in answer.context["rows"]] == [
        [("status", ""), ("pod", "api-1"), ("user.name", "")],
        [("status", "200"), ("pod", "api-1"), ("user.name", "bob")],
        [("status", "500"), ("pod", "api-1"), ("user.name", "ada")],
    ]


def test_a_record_opens_as_a_tree_with_its_surroundings(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", "earlier line", FIELDS[0], "after <b>")
    line = next(one for one in client.get("/logs").context["page"].lines if one.message == "a")
    part = client.get(line.href, headers={"HX-Request": "true"}).content.decode()
    assert "field=user.name%3Dada" in part
    around = client.get(f"/logs/record/context?{line.query}").content.decode()
    assert around.index("after &lt;b&gt;") < around.index('aria-current="true"') < around.index("earlier line")


def test_the_tree_of_a_huge_or_odd_body_is_left_out() -> None:
    assert json_tree(json.dumps({str(number): number for number in range(600)})) == []
    assert json_tree("[1]") == json_tree("{") == json_tree("plain") == []
    assert [(node.name, node.kind, node.condition) for node in json_tree('{"a": [1], "b": "x", "c": null}')] == [
        ("a", "branch", ""),
        ("b", "text", "b=x"),
        ("c", "word", "c=null"),
    ]


def test_searches_are_kept_for_oneself_or_for_everyone(store: TelemetryStore, client: Client) -> None:
    reader = client_with_role("security_reviewer")
    client.post("/logs/searches", {"name": "slow", "query": "q=slow&from=now-1h&severity=warn%2B", "shared": "1"})
    client.post("/logs/searches", {"name": "mine", "query": "q=mine"})
    reader.post("/logs/searches", {"name": "theirs", "query": "q=theirs", "shared": "1"})
    assert [one.name for one in client.get("/logs").context["searches"]] == ["mine", "slow"]
    assert [one.name for one in reader.get("/logs").context["searches"]] == ["slow", "theirs"]
    slow = SavedSearch.objects.get(name="slow")
    assert slow.query == "q=slow&severity=warn%2B"
    assert reader.post(f"/logs/searches/{slow.pk}/remove").status_code == 404
    client.post(f"/logs/searches/{slow.pk}/remove")
    assert not SavedSearch.objects.filter(name="slow").exists()


def test_a_search_without_a_name_is_refused_in_words(store: TelemetryStore, client: Client) -> None:
    answer = client.post("/logs/searches", {"name": "  ", "query": "q=x"}, follow=True)
    assert "Not saved: name of the search is empty" in answer.content.decode()


def test_the_page_costs_the_same_queries_however_many_records(store: TelemetryStore, client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/logs").status_code == 200
        return len(captured)

    send_logs(store, "api", "one")
    few = queries()
    make_services("api", "web", "db")
    SavedSearch.objects.bulk_create(
        SavedSearch(name=str(number), owner="x", shared=True, query="q=a") for number in range(20)
    )
    send_logs(store, "web", *(f"line {number}" for number in range(90)))
    assert queries() == few


def committed(*bodies: str, service: str = "api") -> CommittedLogs:
    """Records as the live feed hands them over."""
    batch = log_batch(
        [{"stream": (("service", service),), "t": place, "body": body} for place, body in enumerate(bodies)]
    )
    return CommittedLogs(batch.streams, batch.stream_index, [service] * len(bodies), log_columns(batch))


def log_columns(batch: LogBatch) -> pa.Table:
    times = pa.array(batch.timestamps_ns, pa.timestamp("ns", "UTC"))
    texts = {
        name: pa.array(getattr(batch, plural))
        for name, plural in (
            ("severity_text", "severity_texts"),
            ("body", "bodies"),
            ("trace_id", "trace_ids"),
            ("span_id", "span_ids"),
            ("attributes", "attributes"),
        )
    }
    numbers = pa.array(batch.severity_numbers)
    return pa.table({"timestamp": times, "observed_timestamp": times, "severity_number": numbers, **texts})


def test_the_tail_shows_what_fits_newest_first() -> None:
    tail = LogTail(LogFilter(services=("api",), text="order").query(page_range({})))
    look = tail.look([committed("order 1", "else", "order 2"), committed("order 3", service="web")], 0)
    assert ([line.body for line in look.lines], look.dropped) == (["order 2", "order 1"], 0)


def test_the_tail_shows_a_bounded_number_and_counts_the_rest() -> None:
    tail = LogTail(LogFilter().query(page_range({})))
    look = tail.look([committed(*map(str, range(6000)))], 7)
    assert len(look.lines) == 200
    assert look.lines[0].body == "5999"
    assert look.dropped == 7 + 6000 - 200


async def first_event(store: TelemetryStore) -> bytes:
    looks = looks_of_feed(store, LogFilter(text="hello").query(page_range({})))
    asked = asyncio.ensure_future(anext(looks))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(send_logs, store, "api", "hello <b>", "other")
    look = await asyncio.wait_for(asked, 10)
    await looks.aclose()
    assert look is not None
    return _event(look, "hello")


def test_a_committed_record_reaches_the_tail_as_inert_text(store: TelemetryStore) -> None:
    event = asyncio.run(first_event(store))
    told = json.loads(event.removeprefix(b"data: "))
    assert (told["records"], told["dropped"]) == (1, 0)
    assert "<mark>hello</mark> &lt;b&gt;" in told["html"]


def test_a_tail_with_a_bad_filter_is_refused_in_words(store: TelemetryStore, client: Client) -> None:
    answer = client.get("/logs/tail?label=nonsense")
    assert answer.status_code == 400
    assert "not a label condition" in answer.content.decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{service_name="api"}', True),
        (' {service_name="api"} |= "x"', True),
        ('sum by (a) (rate({a="b"}[5m]))', True),
        ('count_over_time({a="b"}[5m]) > 2', True),
        ("plain words", False),
        ("request (slow)", False),
        ('user said {"a": 1}', False),
        ("", False),
    ],
)
def test_the_bar_tells_logql_from_words(text: str, expected: bool) -> None:
    assert is_logql(text) == expected


def test_logql_shows_its_lines_and_how_many_over_time(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", *FIELDS)
    send_logs(store, "web", "<b>other</b>")
    answer = client.get("/logs?" + urlencode({"q": '{service_name="api"} | json | status = 500'}))
    page = answer.context["logql"]
    assert ([line.line for line in page.lines], page.total) == ([FIELDS[0]], 1)
    assert "Read as LogQL" in answer.content.decode()
    marked = client.get("/logs?" + urlencode({"q": '{service_name="web"}'})).content.decode()
    assert "&lt;b&gt;other&lt;/b&gt;" in marked


def test_a_metric_query_shows_its_series(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", "a", "b")
    answer = client.get(
        "/logs?" + urlencode({"q": "sum by (service_name) (count_over_time({service_name=~`.+`}[1h]))"})
    )
    page = answer.context["logql"]
    assert (page.is_metric, page.series) == (True, 1)
    assert page.figure["data"][0]["name"] == "service_name=api"


def test_a_mistake_in_logql_is_shown_where_it_is(store: TelemetryStore, client: Client) -> None:
    answer = client.get("/logs?" + urlencode({"q": '{service_name="api"} |= '}))
    mistake = answer.context["mistake"]
    assert answer.status_code == 200
    assert mistake.line == 1
    assert mistake.caret.endswith("^")
    assert len(mistake.caret) == mistake.column
    assert "This LogQL was not understood at line 1, column" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kind": "label", "text": "serv"}, ["service_name"]),
        ({"kind": "value", "label": "service_name", "text": ""}, ["api", "web"]),
        ({"kind": "metric", "text": "count_o"}, ["count_over_time"]),
        ({"kind": "value", "label": "none", "text": ""}, []),
    ],
)
def test_logql_is_completed(store: TelemetryStore, client: Client, query: dict[str, str], expected: list[str]) -> None:
    send_logs(store, "api", "a", pod="x")
    send_logs(store, "web", "b", pod="x")
    answer = client.get("/logs/complete?" + urlencode(query)).json()
    assert [one["text"] for one in answer["suggestions"]] == expected
