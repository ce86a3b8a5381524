"""Cost per unit of work, by release."""

from datetime import date, timedelta
from decimal import Decimal

from policies.costs.unit_cost import by_release, per_unit

FIRST = date(2026, 5, 1)


def days(*amounts: int) -> dict[date, Decimal]:
    return {FIRST + timedelta(days=number): Decimal(amount) for number, amount in enumerate(amounts)}


def test_no_work_has_no_unit_cost() -> None:
    assert per_unit(Decimal(3), Decimal(0), 1000) is None
    assert per_unit(Decimal(3), Decimal(1500), 1000) == 2


def test_each_release_has_its_days() -> None:
    versions = [("1", FIRST + timedelta(days=1)), ("2", FIRST + timedelta(days=3)), ("2.1", FIRST + timedelta(days=3))]
    found = by_release(versions, days(9, 1, 1, 4, 4), days(9, 10, 10, 20, 20), 10)
    assert [(each.version, each.first.day, each.last.day, each.per_unit) for each in found] == [
        ("1", 2, 3, 1),
        ("2.1", 4, 5, 2),
    ]


def test_a_release_without_days_is_left_out() -> None:
    assert by_release([("1", FIRST + timedelta(days=9))], days(1), days(1), 1) == []
