"""`belvedere costs` gives every cost of the bills to an owner, exactly."""

import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from collectors.bills import import_bill
from fleet.models import Service, Team
from telemetry.store import TelemetryStore
from telemetry.store.charge_days import ChargeDays
from telemetry.store.charges import ChargeTable
from tests.collectors.test_bills import SAMPLE, bill

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty(store: TelemetryStore) -> None:
    table = ChargeTable(store)
    table.remove(list(table.batches()))
    ChargeDays(store).remove(list(ChargeDays(store).built()))


def costs(*words: str) -> dict[str, list[dict[str, str]]]:
    stream = io.StringIO()
    call_command("costs", "--json", *words, stdout=stream)
    report: dict[str, list[dict[str, str]]] = json.loads(stream.getvalue())
    return report


def test_amounts_are_texts_by_service_team_and_environment() -> None:
    Service.objects.create(name="checkout", team=Team.objects.create(name="shop"))
    import_bill(
        bill(("1.50", "r", '{"service": "checkout", "env": "prod"}'), ("-0.000000000000000001", "r", "")),
        file_name="a.csv",
        actor="user:ada",
    )
    report = costs()
    assert [
        (row["service"], row["team"], row["environment"], row["billed_cost"], row["effective_cost"], row["currency"])
        for row in report["allocations"]
    ] == [
        ("checkout", "shop", "prod", "1.5", "1.5", "USD"),
        (None, None, None, "-0.000000000000000001", "-0.000000000000000001", "USD"),
    ]
    assert report["totals"][0]["billed_cost"] == "1.499999999999999999"


def test_a_policy_moves_cost_and_loses_none(tmp_path: Path) -> None:
    import_bill(bill(("9", "r", '{"service": "a"}'), ("1", "r", "")), file_name="a.csv", actor="user:ada")
    file = tmp_path / "policy.yaml"
    file.write_text(
        "apiVersion: belvedere/v1\nkind: AllocationPolicy\nspec:\n  rules:\n"
        '    - {name: rest, match: {service: [""]}, split: {method: fixed, weights: {a: 1, b: 2}}}\n'
    )
    rows = {row["service"]: row for row in costs("--policy", str(file))["allocations"]}
    assert sum(Decimal(row["billed_cost"]) for row in rows.values()) == 10
    assert rows["b"]["billed_cost"] == "0.666666666666666667"
    assert rows["b"]["rules"] == ["rest"]


def test_days_cut_a_charge_by_its_seconds() -> None:
    import_bill(bill(("24", "r", "")), file_name="a.csv", actor="user:ada")
    assert costs("--from", "2024-09-01", "--to", "2024-09-01")["totals"][0]["billed_cost"] == "24"
    assert costs("--from", "2024-09-02")["allocations"] == []


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--from", "soon"], "'soon' is not a day"),
        (["--from", "2026-01-02", "--to", "2026-01-01"], "--to 2026-01-01 is before"),
        (["--policy", "/nowhere"], "No such file"),
        (["--at", "then"], "'then' is not a time"),
    ],
)
def test_a_wrong_word_is_told(words: list[str], fault: str) -> None:
    with pytest.raises(CommandError, match=fault):
        costs(*words)


@pytest.mark.skipif(not SAMPLE.exists(), reason="the real FOCUS sample is not on this machine")
def test_the_real_sample_is_allocated_to_the_last_digit() -> None:
    imported = import_bill(SAMPLE.read_bytes(), file_name=SAMPLE.name, actor="user:ada")
    report = costs()
    assert sum(Decimal(row["billed_cost"]) for row in report["allocations"]) == imported.billed_cost["USD"]
