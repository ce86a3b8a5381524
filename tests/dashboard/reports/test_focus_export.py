"""What is exported can be imported again and is the same bill, with its owners."""

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from collectors.bills import import_bill, remove_bills
from dashboard.reports.focus_export import write_focus
from fleet.models import CostImport, Service, Team
from telemetry.store import TelemetryStore
from telemetry.store.charges import ChargeTable
from tests.collectors.test_bills import SAMPLE, bill

pytestmark = pytest.mark.django_db
EVER = date(1971, 1, 1), date(2100, 1, 1)


@pytest.fixture(autouse=True)
def no_charges(store: TelemetryStore) -> None:
    table = ChargeTable(store)
    table.remove(list(table.batches()))


def exported() -> str:
    out = io.StringIO()
    write_focus(*EVER, out)
    return out.getvalue()


def test_every_charge_has_its_service_and_team() -> None:
    Service.objects.create(name="mail", team=Team.objects.create(name="Post"))
    body = bill(("-1.50", "r", '{"service": "mail", "env": "prod"}'), ("0.000000000000000001", "r", ""))
    import_bill(body, file_name="a.csv", actor="user:ada")
    rows = list(csv.DictReader(io.StringIO(exported())))
    words = ("BilledCost", "x_service", "x_environment", "x_team", "BillingAccountName", "ChargePeriodStart")
    assert [tuple(row[word] for word in words) for row in rows] == [
        ("-1.5", "mail", "prod", "Post", "Main", "2024-09-01T00:00:00Z"),
        ("0.000000000000000001", "", "", "", "Main", "2024-09-01T00:00:00Z"),
    ]


@pytest.mark.skipif(not SAMPLE.exists(), reason="the real FOCUS sample is not on this machine")
def test_the_real_sample_comes_back_as_it_went_in() -> None:
    imported = import_bill(SAMPLE.read_bytes(), file_name="a.csv", actor="user:ada")
    text = exported()
    remove_bills(list(CostImport.objects.all()), actor="user:ada")
    again = import_bill(text.encode(), file_name="b.csv", actor="user:ada")
    assert (again.bill.rows, again.billed_cost) == (imported.bill.rows, imported.billed_cost)
    assert exported() == text


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    import_bill(bill(("2", "r", "")), file_name="a.csv", actor="user:ada")
    file = tmp_path / "out.csv"
    call_command("export", "costs", "--from", "2024-09-01", "--to", "2024-09-30", "--out", str(file))
    (row,) = csv.DictReader(file.open())
    assert Decimal(row["BilledCost"]) == 2
    with pytest.raises(CommandError, match="is before"):
        call_command("export", "costs", "--from", "2024-09-02", "--to", "2024-09-01", "--out", str(file))
    with pytest.raises(CommandError, match="is not a day"):
        call_command("export", "costs", "--from", "soon", "--to", "2024-09-01", "--out", str(file))
