"""Savings and unit cost from a bill beside what services did on the same days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from collectors.bills import import_bill
from dashboard.panels.savings import savings_panel
from dashboard.panels.time_range import PageRange
from dashboard.panels.unit_cost import unit_cost_panel
from fleet.models import Deployment, Environment, Finding, Service
from policies.costs.spread import first_second
from telemetry.store import TelemetryStore
from telemetry.store.charges import ChargeTable
from tests.dashboard.daily_bills import daily_bill
from tests.dashboard.people import client_with_role
from tests.series import write_series

pytestmark = pytest.mark.django_db

TODAY = datetime.now(UTC).date()
FIRST = TODAY - timedelta(days=4)
HOUR = 3_600_000


@pytest.fixture(autouse=True)
def billed(store: TelemetryStore) -> None:
    table = ChargeTable(store)
    table.remove(list(table.batches()))
    body = daily_bill([10, 10, 20, 20], TODAY - timedelta(days=1))
    import_bill(body, file_name="a.csv", actor="user:ada")


def counter(a_day: float, first: date = FIRST) -> list[tuple[int, float]]:
    start_ms = first_second(first) * 1000
    hours = range(24 * (TODAY - first).days + 1)
    return [(start_ms + minutes * HOUR // 12, a_day / 288 * minutes) for minutes in range(12 * len(hours) - 11)]


def panel_range() -> PageRange:
    return PageRange("", "", first_second(FIRST) * 1000, first_second(TODAY) * 1000 - 1)


def test_a_service_without_work_could_be_stopped_and_its_findings_with_it(store: TelemetryStore) -> None:
    assert savings_panel(TODAY).rows == []
    write_series(store, ("process_cpu_seconds_total", {"job": "mail"}, counter(10)))
    now = datetime.now(UTC)
    Finding.objects.create(
        service=Service.objects.get(name="mail"),
        environment=Environment.objects.create(name="prod"),
        ecosystem="PyPI",
        package="x",
        advisory_id="CVE-1",
        first_seen_at=now,
        last_seen_at=now,
    )
    panel = savings_panel(TODAY)
    (row,) = panel.rows
    assert (row.saving.kind, row.saving.service, row.saving.amount, row.findings) == ("idle", "mail", 60, 1)
    assert panel.total == panel.billed == 60
    page = client_with_role("cost_viewer").get("/cost/savings").content.decode()
    assert "stop it" in page
    assert "$60.00" in page


def test_a_busy_service_is_not_idle(store: TelemetryStore) -> None:
    write_series(store, ("process_cpu_seconds_total", {"job": "mail"}, counter(80_000)))
    assert savings_panel(TODAY).rows == []
    assert "Nothing was found" in client_with_role("cost_viewer").get("/cost/savings").content.decode()


def test_unit_cost_is_cost_over_requests_by_day_and_by_release(store: TelemetryStore) -> None:
    write_series(store, ("http_requests_total", {"job": "mail"}, counter(10_000)))
    deployed = datetime.combine(FIRST + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=12)
    Deployment.objects.create(
        service=Service.objects.get(name="mail"),
        environment=Environment.objects.create(name="prod"),
        version="2.0",
        deployed_at=deployed,
    )
    panel = unit_cost_panel(panel_range(), service="mail")
    (row,) = panel.rows
    assert float(row.per_size or 0) == pytest.approx(1.5, rel=0.02)
    assert row.trend == pytest.approx([1, 1, 2, 2], rel=0.02)
    (release,) = row.releases
    assert (release.version, release.cost, release.first) == ("2.0", 40, FIRST + timedelta(days=2))
    assert float(release.per_unit or 0) == pytest.approx(2, rel=0.02)
    page = client_with_role("cost_viewer").get("/cost/units?service=mail").content.decode()
    assert "Releases of mail" in page


def test_any_query_can_be_the_unit(store: TelemetryStore) -> None:
    write_series(store, ("jobs_total", {"job": "mail", "service": "mail"}, counter(100)))
    query = "sum by (service) (increase(jobs_total[1d]))"
    (row,) = unit_cost_panel(panel_range(), query=query).rows
    assert float(row.per_size or 0) == pytest.approx(150, rel=0.02)
    assert unit_cost_panel(panel_range(), query="sum(").error
    assert Decimal(row.cost) == 60


def test_pages_without_work_say_so() -> None:
    page = client_with_role("cost_viewer").get("/cost/units").content.decode()
    assert "No service has both a bill and a count of work" in page
