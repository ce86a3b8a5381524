"""The one-page cost report: the same month and moment give the same bytes, whatever was imported since."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from collectors.bills import import_bill
from dashboard.accounts.csv_export import safe_cell
from dashboard.reports.cost_month import cost_month
from dashboard.reports.cost_pdf import cost_pdf, waterfall_steps
from fleet.models import Service, Team
from telemetry.store import TelemetryStore
from telemetry.store.charges import ChargeTable
from tests.dashboard.daily_bills import daily_bill
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db

MONTH = date(2026, 5, 1)


@pytest.fixture(autouse=True)
def billed(store: TelemetryStore) -> None:
    table = ChargeTable(store)
    table.remove(list(table.batches()))
    for number in range(16):
        tags = f'{{"service": "s{number:02}"}}' if number else ""
        body = daily_bill([1] * 30 + [2 + number] * 31, date(2026, 5, 31), tags=tags)
        import_bill(body, file_name=f"{number}.csv", actor="user:ada", replace=False)
    Service.objects.filter(name="s15").update(team=Team.objects.create(name="Größe 日本"))


def test_the_report_adds_up_and_is_the_same_again() -> None:
    at = datetime.now(UTC)
    month = cost_month(MONTH, at)
    assert (month.billed, month.before) == (sum((2 + n) * 31 for n in range(16)), 480)
    assert sum(each.cents for each in month.services) == month.billed
    assert month.unallocated == 62
    assert sum(month.daily) == float(month.billed)
    first = cost_pdf(month)
    import_bill(daily_bill([9] * 31, date(2026, 5, 31)), file_name="late.csv", actor="user:ada", replace=False)
    assert cost_pdf(cost_month(MONTH, at)) == first
    assert cost_month(MONTH, datetime.now(UTC)).billed == month.billed + 279
    assert first.startswith(b"%PDF")
    assert first.count(b"/Type /Page\n") == 1


def test_the_waterfall_ends_at_the_bill() -> None:
    month = cost_month(MONTH, datetime.now(UTC))
    steps = waterfall_steps(month)
    assert (steps[0][2], steps[-1][2]) == (480, float(month.billed))
    assert [step[1] for step in steps[2:-1]] == [step[2] for step in steps[1:-2]]


def test_a_month_without_bills_is_a_page_too() -> None:
    assert cost_pdf(cost_month(date(2020, 2, 1), datetime.now(UTC))).startswith(b"%PDF")


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    file, stream = tmp_path / "may.pdf", io.StringIO()
    call_command("report", "costs", "--month", "2026-05", "--out", str(file), stdout=stream)
    assert file.read_bytes().startswith(b"%PDF")
    assert "4712.00 USD billed" in stream.getvalue()
    for words in (["--month", "May"], ["--month", "2026-05", "--at", "then"]):
        with pytest.raises(CommandError, match="is not a"):
            call_command("report", "costs", "--out", str(file), *words)


def test_the_page_gives_it_to_who_may_see_cost() -> None:
    client = client_with_role("cost_viewer")
    answer = client.get("/cost/report.pdf?month=2026-05")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert client.get("/cost/report.pdf?month=May").status_code == 400
    assert client_with_role("security_reviewer").get("/cost/report.pdf").status_code == 403


def test_a_credit_is_a_number_in_csv() -> None:
    assert safe_cell(Decimal("-1.5")) == "-1.5"
