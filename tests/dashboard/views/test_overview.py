"""The overview shows what is there, worst first, to whom may see it, without asking more for more services."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.panels.overview import Filters, overview
from dashboard.panels.time_range import page_range
from fleet.models import Environment, Finding, Service
from telemetry.store import TelemetryStore, set_current
from tests.dashboard.people import client_with_role
from tests.dashboard.views.fleet_data import deploy, make_services, send_logs, send_metrics

pytestmark = pytest.mark.django_db


def add_finding(service: Service, score: float) -> None:
    environment, _ = Environment.objects.get_or_create(name="production")
    now = timezone.now()
    Finding.objects.create(
        service=service,
        environment=environment,
        ecosystem="PyPI",
        package="django",
        advisory_id=f"PYSEC-{score}",
        severity_score=score,
        first_seen_at=now,
        last_seen_at=now,
    )


def test_the_worst_service_comes_first_and_says_why(store: TelemetryStore) -> None:
    make_services("fine", "broken", "silent")
    send_metrics(store, ["fine"])
    send_metrics(store, ["broken"], failing=0.2)
    rows = overview(page_range({}), Filters()).rows
    assert [(row.service.name, row.health.state) for row in rows] == [
        ("broken", "crit"),
        ("fine", "ok"),
        ("silent", "none"),
    ]
    assert rows[0].health.reasons == ("20.0% errors",)


def test_totals_are_the_sums_of_the_rows(store: TelemetryStore) -> None:
    make_services("a", "b")
    send_metrics(store, ["a", "b"], failing=0.5)
    send_logs(store, "a", "boom", "bang", severity=17)
    shown = overview(page_range({}), Filters())
    assert shown.totals.requests_per_second == pytest.approx(
        sum(row.vitals.requests_per_second or 0 for row in shown.rows)
    )
    assert shown.totals.error_ratio == pytest.approx(0.5)
    assert shown.totals.log_errors == sum(row.log_errors or 0 for row in shown.rows) == 2


def test_the_page_shows_every_number_as_a_link_to_its_rows(store: TelemetryStore) -> None:
    (service,) = make_services("checkout")
    send_metrics(store, ["checkout"])
    send_logs(store, "checkout", "boom", severity=17)
    deploy(service, "1.4.2")
    add_finding(service, 9.8)
    page = client_with_role("administrator").get("/?from=now-1h").content.decode()
    assert 'href="/services/checkout?from=now-1h"' in page
    assert "/logs?from=now-1h&amp;service=checkout&amp;severity=error%2B" in page
    assert "/security?state=open&amp;service=checkout" in page
    assert "1.4.2" in page


def test_more_services_cost_no_more_queries(store: TelemetryStore) -> None:
    client = client_with_role("administrator")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get("/").status_code == 200
        return len(captured)

    make_services("one")
    send_metrics(store, ["one"])
    queries()
    few = queries()
    for service in make_services(*(f"service-{number}" for number in range(12))):
        deploy(service, "1.0")
        add_finding(service, 7.0)
    send_metrics(store, [f"service-{number}" for number in range(12)])
    assert queries() == few


def test_filters_narrow_rows_and_totals(store: TelemetryStore) -> None:
    make_services("real-api")
    make_services("demo-api", origin=Service.Origin.SIMULATED)
    assert [row.service.name for row in overview(page_range({}), Filters(fleet="real")).rows] == ["real-api"]
    simulated = overview(page_range({}), Filters(fleet="simulated"))
    assert (simulated.totals.services, simulated.totals.simulated) == (1, 1)
    assert [row.service.name for row in overview(page_range({}), Filters(text="DEMO")).rows] == ["demo-api"]
    assert overview(page_range({}), Filters(team="Nobody")).rows == []


def test_simulated_services_are_marked_on_their_row_and_on_the_page(store: TelemetryStore) -> None:
    make_services("demo-api", origin=Service.Origin.SIMULATED)
    page = client_with_role("operator").get("/").content.decode()
    assert page.count("badge--sim") >= 2
    assert "belvedere demo --remove" in page


def test_nothing_yet_shows_the_commands_that_change_it(store: TelemetryStore) -> None:
    page = client_with_role("administrator").get("/").content.decode()
    assert "belvedere token create" in page
    assert "/loki/api/v1/push" in page
    assert "belvedere demo" in page


def test_without_telemetry_the_page_says_so_and_shows_the_rest() -> None:
    set_current(None)
    make_services("checkout")
    answer = client_with_role("administrator").get("/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Telemetry could not be read" in page
    assert "checkout" in page


def test_a_cost_viewer_sees_services_but_no_telemetry_and_no_findings(store: TelemetryStore) -> None:
    (service,) = make_services("checkout")
    send_metrics(store, ["checkout"], failing=0.5)
    add_finding(service, 9.8)
    page = client_with_role("cost_viewer").get("/").content.decode()
    assert "checkout" in page
    for hidden in ("Critical", "Findings", "Log errors", "p95", 'href="/logs'):
        assert hidden not in page


@pytest.mark.parametrize(
    ("word", "first"), [("requests", "busy"), ("errors", "broken"), ("name", "broken"), ("nonsense", "broken")]
)
def test_columns_sort(store: TelemetryStore, word: str, first: str) -> None:
    make_services("busy", "broken")
    send_metrics(store, ["broken"], failing=0.2)
    send_metrics(store, ["busy"], per_second=50)
    rows = client_with_role("administrator").get(f"/?sort={word}").context["rows"]
    assert rows[0].service.name == first


def test_a_range_that_is_not_understood_is_said_and_the_default_shown(store: TelemetryStore) -> None:
    page = client_with_role("administrator").get("/?from=tea-time").content.decode()
    assert "tea-time" in page
    assert "is not a time" in page
