"""The metrics explorer: answers, errors with their place, completion, download, and what to ask first."""

import csv
import io

import pytest
from django.test import Client
from plotly import graph_objects

from dashboard.panels.metrics import QueryPanel, guessed_unit, pointer_to, series_names
from dashboard.views import metrics as views
from telemetry.model.cancellation import CLIENT_GONE, Cancellation
from telemetry.model.labels import labels_from
from telemetry.store import TelemetryStore, set_current
from tests.dashboard.people import client_with_role
from tests.dashboard.views.fleet_data import counter, gauge
from tests.series import write_series

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(store: TelemetryStore) -> Client:
    write_series(
        store,
        ("up", {"job": "api", "instance": "a"}, gauge(1)),
        ("up", {"job": "api", "instance": "b"}, gauge(0)),
        ("http_requests_total", {"job": "api", "path": "=cmd()"}, counter(5)),
        ("process_resident_memory_bytes", {"job": "api"}, gauge(2**30)),
    )
    return client_with_role("operator")


def panels(client: Client, *queries: str) -> list[QueryPanel]:
    answer = client.get("/metrics-explorer", {"q": list(queries), "from": "now-15m"})
    assert answer.status_code == 200
    return answer.context["exploration"].panels


def test_a_query_is_answered_as_figure_and_table(client: Client) -> None:
    (panel,) = panels(client, "up")
    graph_objects.Figure(panel.figure)
    assert [(row.name, row.last) for row in panel.rows] == [("a", 1.0), ("b", 0.0)]
    assert dict(panel.common) == {"__name__": "up", "job": "api"}
    assert panel.samples_read > 0


def test_several_queries_stand_on_one_page(client: Client) -> None:
    first, second = panels(client, "sum(up)", "rate(http_requests_total[5m])")
    assert first.rows[0].last == 1
    assert second.rows[0].last == pytest.approx(5)


def test_a_scalar_is_one_series(client: Client) -> None:
    (panel,) = panels(client, "1 + 2")
    assert [row.last for row in panel.rows] == [3.0]


def test_a_query_that_does_not_parse_shows_the_place(client: Client) -> None:
    bad, good = panels(client, "sum(rate(up[5m])", "up")
    assert bad.error
    assert bad.pointer.splitlines()[1].strip() == "^"
    assert good.figure is not None
    page = client.get("/metrics-explorer", {"q": "sum(up"}).content.decode()
    assert "Place of the error" in page


def test_a_query_of_a_wrong_kind_is_an_error_in_words(client: Client) -> None:
    (panel,) = panels(client, "up[5m]")
    assert "range query" in panel.error


def test_a_step_is_taken_or_named_if_it_cannot_be_read(client: Client) -> None:
    answer = client.get("/metrics-explorer", {"q": "up", "step": "60s", "from": "now-15m"})
    assert answer.context["exploration"].grid.step_ms == 60_000
    assert "is not a duration" in client.get("/metrics-explorer", {"q": "up", "step": "fast"}).content.decode()


def test_too_many_points_are_refused_with_the_setting_to_change(client: Client) -> None:
    answer = client.get("/metrics-explorer", {"q": "up", "step": "1s", "from": "now-30d"})
    assert "BELVEDERE_MAX_QUERY_POINTS" in answer.context["exploration"].panels[0].error


@pytest.mark.parametrize("form", ["", "csv"])
def test_a_query_of_the_page_stops_when_its_client_is_gone(client: Client, monkeypatch, form: str) -> None:
    gone = Cancellation()
    gone.cancel()
    monkeypatch.setattr(views, "cancellation_of", lambda request: gone)
    answer = client.get("/metrics-explorer", {"q": "up", "from": "now-15m", "format": form})
    assert CLIENT_GONE in answer.content.decode()


def test_the_download_has_every_value_and_no_formula(client: Client) -> None:
    answer = client.get(
        "/metrics-explorer", {"q": ["sum by (path) (http_requests_total)"], "from": "now-5m", "format": "csv"}
    )
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows
    assert {row["series"] for row in rows} == {"'=cmd()"}
    assert all(float(row["value"]) >= 0 for row in rows)


def test_a_download_of_a_bad_query_is_the_page_with_the_error(client: Client) -> None:
    answer = client.get("/metrics-explorer", {"q": "sum(", "format": "csv"})
    assert answer["Content-Type"].startswith("text/html")


def test_without_a_query_the_page_shows_what_there_is_and_examples_that_work(client: Client) -> None:
    answer = client.get("/metrics-explorer", {"from": "now-1h"})
    assert {one.name for one in answer.context["metrics"]} == {
        "up",
        "http_requests_total",
        "process_resident_memory_bytes",
    }
    for example in answer.context["examples"]:
        (panel,) = panels(client, example.query)
        assert panel.rows, example


def test_an_empty_store_says_how_to_fill_it(store: TelemetryStore) -> None:
    page = client_with_role("operator").get("/metrics-explorer").content.decode()
    assert "remote_write" in page
    assert "belvedere token create" in page


def test_without_telemetry_the_page_says_so() -> None:
    set_current(None)
    answer = client_with_role("operator").get("/metrics-explorer?q=up")
    assert answer.status_code == 200
    assert "Metrics could not be read" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ({"kind": "metric", "text": "http_r"}, "http_requests_total"),
        ({"kind": "metric", "text": "histogram_q"}, "histogram_quantile"),
        ({"kind": "label", "metric": "up", "text": "ins"}, "instance"),
        ({"kind": "label", "text": "pa"}, "path"),
        ({"kind": "value", "metric": "up", "label": "instance", "text": "b"}, "b"),
        ({"kind": "value", "label": "path", "text": "=CMD("}, "=cmd()"),
    ],
)
def test_completion_offers_what_is_there(client: Client, query: dict[str, str], first: str) -> None:
    suggestions = client.get("/metrics-explorer/complete", query).json()["suggestions"]
    assert suggestions[0]["text"] == first


def test_an_unknown_kind_of_completion_is_refused(client: Client) -> None:
    assert client.get("/metrics-explorer/complete", {"kind": "poem"}).status_code == 400


def test_a_cost_viewer_reads_no_metrics(store: TelemetryStore) -> None:
    client = client_with_role("cost_viewer")
    for path in ("/metrics-explorer", "/metrics-explorer/complete?kind=metric"):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize(
    ("query", "unit"),
    [
        ("process_resident_memory_bytes", "bytes"),
        ("sum by (job) (process_resident_memory_bytes)", "bytes"),
        ("process_resident_memory_bytes{job='x'}", "bytes"),
        ("rate(node_network_receive_bytes_total[5m])", "bytes_per_second"),
        ("histogram_quantile(0.9, rate(http_request_duration_seconds_bucket[5m]))", "seconds"),
        ("rate(process_cpu_seconds_total[5m])", ""),
        ("up", ""),
        ("process_resident_memory_bytes / 2", ""),
    ],
)
def test_units_are_guessed_from_names(query: str, unit: str) -> None:
    assert guessed_unit(query) == unit


def test_names_of_series_say_what_differs() -> None:
    labels = [
        labels_from({"__name__": "up", "job": "a", "zone": "x"}),
        labels_from({"__name__": "up", "job": "b", "zone": "x"}),
    ]
    common, names = series_names(labels)
    assert (dict(common), names) == ({"__name__": "up", "zone": "x"}, ["a", "b"])
    assert series_names(labels[:1]) == ((), ['up{job="a", zone="x"}'])
    assert series_names([]) == ((), [])


def test_the_pointer_stands_under_the_place() -> None:
    assert pointer_to("sum(\n  up", 2, 3) == "  up\n  ^"
    assert pointer_to("up", 9, 1) == "\n^"
