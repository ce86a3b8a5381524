"""Charges come back as exact sums of the batches that count."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from telemetry.model.charges import CHARGE_SCHEMA, ChargeBatch
from telemetry.store import TelemetryStore
from telemetry.store.charges import ChargeTable

DAY = 86_400
START = datetime(2024, 9, 1, tzinfo=UTC)
START_S = int(START.timestamp())
EMPTY: dict[str, Any] = {field.name: None if field.nullable else "" for field in CHARGE_SCHEMA if field.name != "row"}


def charges(*rows: dict[str, Any]) -> ChargeBatch:
    defaults = {
        **EMPTY,
        "billing_currency": "USD",
        "billing_period_start": START,
        "billing_period_end": datetime(2024, 10, 1, tzinfo=UTC),
        "charge_period_start": START,
        "charge_period_end": datetime(2024, 9, 2, tzinfo=UTC),
        "billed_cost": Decimal(1),
        "effective_cost": Decimal(2),
    }
    return ChargeBatch(
        pa.Table.from_pylist(
            [{**defaults, "row": index, **row} for index, row in enumerate(rows, 2)], schema=CHARGE_SCHEMA
        )
    )


@pytest.fixture
def table(store: TelemetryStore) -> ChargeTable:
    table = ChargeTable(store)
    table.remove(list(table.batches()))
    return table


def write(table: ChargeTable, batch: str, *rows: dict[str, Any], service: str = "checkout") -> None:
    table.write(batch, charges(*rows), [service] * len(rows), ["production"] * len(rows))


def test_sums_are_exact_where_floats_and_narrow_decimals_are_not(table: ChargeTable) -> None:
    large, small = Decimal("99999999999999999999"), Decimal("0.000000000000000001")
    write(table, "a", {"billed_cost": large}, {"billed_cost": large}, {"billed_cost": small})
    (group,) = table.groups(["a"], START_S, START_S + DAY)
    assert group.billed_cost == Decimal("199999999999999999998.000000000000000001")
    assert (group.effective_cost, group.charges) == (6, 3)
    assert (group.start_s, group.end_s) == (START_S, START_S + DAY)


def test_only_named_batches_count(table: ChargeTable) -> None:
    write(table, "a", {})
    write(table, "half", {}, {})
    assert [group.charges for group in table.groups(["a"], START_S, START_S + DAY)] == [1]
    assert table.groups([], START_S, START_S + DAY) == []
    assert table.batches() == {"a": 1, "half": 2}
    assert table.remove(["half"]) == 2
    assert table.batches() == {"a": 1}


def test_hours_of_a_day_are_told_as_the_day_and_longer_periods_as_they_are(table: ChargeTable) -> None:
    hours = [
        {"charge_period_start": START.replace(hour=hour), "charge_period_end": START.replace(hour=hour + 1)}
        for hour in (0, 5)
    ]
    last = {"charge_period_start": START.replace(hour=23)}
    month = {"charge_period_end": datetime(2024, 10, 1, tzinfo=UTC)}
    write(table, "a", *hours, last, month)
    groups = table.groups(["a"], START_S, START_S + DAY)
    assert [(group.start_s - START_S, group.end_s - START_S, group.charges) for group in groups] == [
        (0, DAY, 3),
        (0, 30 * DAY, 1),
    ]


def test_ends_are_exclusive_at_both_sides_of_the_range(table: ChargeTable) -> None:
    write(table, "a", {})
    assert table.groups(["a"], START_S + DAY, START_S + 2 * DAY) == []
    assert table.groups(["a"], START_S - DAY, START_S) == []
    assert len(table.groups(["a"], START_S + DAY - 1, START_S + DAY)) == 1


def test_rows_of_a_service_come_largest_first(table: ChargeTable) -> None:
    write(table, "a", {"billed_cost": Decimal(1)}, {"billed_cost": Decimal(-7)}, {"billed_cost": Decimal(3)})
    write(table, "a", {}, service="")
    rows = table.rows(["a"], "checkout", START_S, START_S + DAY, limit=2)
    assert [(row.row, row.billed_cost) for row in rows] == [(3, -7), (4, 3)]
    assert len(table.rows(["a"], "", START_S, START_S + DAY)) == 1


def test_amounts_that_a_bill_leaves_out_stay_empty(table: ChargeTable, store: TelemetryStore) -> None:
    write(table, "a", {"list_cost": None, "contracted_cost": Decimal("0.5")})
    assert store.engine.rows("SELECT list_cost, contracted_cost FROM charges") == [(None, Decimal("0.5"))]
