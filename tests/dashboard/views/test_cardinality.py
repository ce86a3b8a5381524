"""The cardinality explorer: rows by metric, label, value, service and team, download, and what is not known."""

import csv
import time

import pytest
from django.test import Client

from fleet.models import Service, Team
from telemetry.store import TelemetryStore
from telemetry.store.query_log import QueryNote
from tests.dashboard.people import client_with_role
from tests.dashboard.views.fleet_data import counter, gauge
from tests.series import write_series

pytestmark = pytest.mark.django_db
PAGE = "/metrics-explorer/cardinality"


@pytest.fixture
def client(store: TelemetryStore) -> Client:
    write_series(
        store,
        ("up", {"job": "api", "instance": "a"}, gauge(1)),
        ("up", {"job": "api", "instance": "b"}, gauge(0)),
        ("http_requests_total", {"job": "web", "path": "=cmd()"}, counter(5)),
    )
    return client_with_role("operator")


def rows(client: Client, **query: str):
    answer = client.get(PAGE, query)
    assert answer.status_code == 200
    return {row.counted.name: row for row in answer.context["found"].rows}


def test_metrics_come_first_with_the_most_series_on_top(client: Client) -> None:
    found = rows(client)
    assert [(name, row.counted.series) for name, row in found.items()] == [("up", 2), ("http_requests_total", 1)]
    assert found["up"].share_ratio == pytest.approx(2 / 3)


def test_a_row_leads_one_step_down(client: Client) -> None:
    labels = client.get(PAGE + rows(client)["up"].address)
    assert [row.counted.name for row in labels.context["found"].rows] == ["__name__", "instance", "job"]
    address = next(row.address for row in labels.context["found"].rows if row.counted.name == "instance")
    values = client.get(PAGE + address)
    assert {row.counted.name for row in values.context["found"].rows} == {"a", "b"}


def test_teams_add_up_their_services(client: Client) -> None:
    team = Team.objects.create(name="Payments")
    Service.objects.update_or_create(name="api", defaults={"team": team})
    found = rows(client, by="team")
    assert {name: row.counted.series for name, row in found.items()} == {"Payments": 2, "no team": 1}


def test_what_was_never_read_is_not_known_before_anything_was(client: Client, store: TelemetryStore) -> None:
    assert b"not known yet" in client.get(PAGE).content
    now = int(time.time() * 1000)
    store.note_query(QueryNote(now, "user:x", "page", "promql", "up", "success", 2, 2, 0.1, ["up"]))
    page = client.get(PAGE)
    assert b"not known yet" not in page.content
    found = {row.counted.name: row.last_read_ms for row in page.context["found"].rows}
    assert found == {"up": now, "http_requests_total": None}
    assert b"never" in page.content


def test_the_file_holds_the_rows_and_no_formula(client: Client) -> None:
    answer = client.get(PAGE, {"by": "value", "label": "path", "format": "csv"})
    (header, row) = csv.reader("".join(part.decode() for part in answer.streaming_content).splitlines())
    assert header[:2] == ["name", "series"]
    assert row[:2] == ["'=cmd()", "1"]


@pytest.mark.parametrize("query", [{"by": "nonsense"}, {"by": "value"}, {"metric": "'; DROP"}, {"label": "<b>"}])
def test_odd_addresses_are_answered(client: Client, query: dict[str, str]) -> None:
    assert client.get(PAGE, query).status_code == 200


def test_queries_of_the_page_do_not_grow_with_rows(client: Client, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(12):
        client.get(PAGE, {"by": "team"})
