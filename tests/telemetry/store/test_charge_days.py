"""Sums by day are those of the charges, to the last digit."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.store import TelemetryStore
from telemetry.store.charge_days import ChargeDays, DayFilter
from telemetry.store.charges import ChargeTable
from tests.telemetry.store.test_charges import charges as charges_of

START = datetime(2026, 1, 1, tzinfo=UTC)
ALL = DayFilter(["b"], date(1970, 1, 1), date(2105, 1, 1))


@pytest.fixture
def tables(store: TelemetryStore) -> tuple[ChargeTable, ChargeDays]:
    table, days = ChargeTable(store), ChargeDays(store)
    table.remove(list(table.batches()))
    days.remove(list(days.built()))
    return table, days


def written(tables: tuple[ChargeTable, ChargeDays], *rows: dict[str, Any], service: str = "mail") -> ChargeDays:
    table, days = tables
    batch = charges_of(*rows)
    table.write("b", batch, [service] * len(batch), ["prod"] * len(batch))
    days.build(["b"])
    return days


def charge(amount: str, start: datetime, end: datetime) -> dict[str, Any]:
    cost = Decimal(amount)
    return {"billed_cost": cost, "effective_cost": cost / 2, "charge_period_start": start, "charge_period_end": end}


def test_hours_of_a_day_become_the_day(tables: tuple[ChargeTable, ChargeDays]) -> None:
    rows = [charge("0.1", START + timedelta(hours=n), START + timedelta(hours=n + 1)) for n in range(48)]
    days = written(tables, *rows)
    assert days.sums(ALL, ["day"]) == [
        (date(2026, 1, 1), Decimal("2.4"), Decimal("1.2"), 24),
        (date(2026, 1, 2), Decimal("2.4"), Decimal("1.2"), 24),
    ]


def test_a_month_is_in_each_of_its_days_and_counted_once(tables: tuple[ChargeTable, ChargeDays]) -> None:
    days = written(tables, charge("-100", START, START + timedelta(days=31)))
    rows = days.sums(ALL, ["day"])
    assert (len(rows), rows[0][0], rows[-1][0]) == (31, date(2026, 1, 1), date(2026, 1, 31))
    assert sum(row[1] for row in rows) == -100
    assert days.sums(ALL, ["month", "service"]) == [(date(2026, 1, 1), "mail", Decimal(-100), Decimal(-50), 1)]


@given(
    amounts=st.lists(st.decimals("-1e19", "1e19", places=18), min_size=1, max_size=6),
    starts=st.lists(st.integers(0, 200_000), min_size=6, max_size=6),
    lengths=st.lists(st.integers(1, 400_000), min_size=6, max_size=6),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_days_add_up_to_the_charges_exactly(
    tables: tuple[ChargeTable, ChargeDays], amounts: list[Decimal], starts: list[int], lengths: list[int]
) -> None:
    tables[0].remove(["b"])
    rows = [
        {**charge("0", at := START + timedelta(seconds=start), at + timedelta(seconds=length)), "billed_cost": amount}
        for amount, start, length in zip(amounts, starts, lengths, strict=False)
    ]
    ((billed, _, count),) = written(tables, *rows).sums(ALL, [])
    assert (billed, count) == (exact_sum(amounts), len(rows))


def exact_sum(amounts: list[Decimal]) -> Decimal:
    with localcontext(prec=100):
        return sum(amounts, Decimal(0))


def test_sums_are_kept_to_what_is_asked_for(tables: tuple[ChargeTable, ChargeDays]) -> None:
    days = written(tables, charge("1", START, START + timedelta(days=3)), service="")
    middle = date(2026, 1, 2)
    assert [row[0] for row in days.sums(DayFilter(["b"], middle, middle), ["day"])] == [middle]
    assert days.sums(DayFilter(["other"], middle, middle), ["day"]) == []
    assert len(days.sums(DayFilter(["b"], middle, middle, service=""), ["day"])) == 1
    assert days.sums(DayFilter(["b"], middle, middle, service="mail"), ["day"]) == []
