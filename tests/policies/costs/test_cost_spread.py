"""A charge is spread over the days that its period covers, and nothing of it is lost."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.costs.exact import exact_sum
from policies.costs.spread import first_second, spread_over_days

SEPTEMBER_1 = first_second(date(2024, 9, 1))
DAY = 86_400


def spread(amount: str, start_s: int, end_s: int) -> dict[str, Decimal]:
    return {str(day): part for day, part in spread_over_days(Decimal(amount), start_s, end_s)}


@pytest.mark.parametrize(
    ("start_s", "end_s", "days"),
    [
        (SEPTEMBER_1, SEPTEMBER_1 + DAY, {"2024-09-01": "30"}),
        (SEPTEMBER_1 + 3600, SEPTEMBER_1 + 7200, {"2024-09-01": "30"}),
        (SEPTEMBER_1, SEPTEMBER_1 + 3 * DAY, {"2024-09-01": "10", "2024-09-02": "10", "2024-09-03": "10"}),
        (SEPTEMBER_1 + 18 * 3600, SEPTEMBER_1 + 36 * 3600, {"2024-09-01": "10", "2024-09-02": "20"}),
    ],
)
def test_parts_follow_the_seconds_of_each_day_and_the_end_is_exclusive(
    start_s: int, end_s: int, days: dict[str, str]
) -> None:
    assert spread("30", start_s, end_s) == {day: Decimal(part) for day, part in days.items()}


def test_september_has_thirty_days_of_a_monthly_charge() -> None:
    parts = spread("1", SEPTEMBER_1, first_second(date(2024, 10, 1)))
    assert len(parts) == 30
    assert exact_sum(parts.values()) == 1


@given(
    st.decimals(min_value=-(10**19), max_value=10**19, places=18),
    st.integers(0, 2**31),
    st.integers(1, 400 * DAY),
)
def test_parts_of_any_charge_add_up_to_it(amount: Decimal, start_s: int, seconds: int) -> None:
    assert exact_sum(part for _, part in spread_over_days(amount, start_s, start_s + seconds)) == amount


def test_an_empty_period_is_refused() -> None:
    with pytest.raises(ValueError, match="is empty"):
        list(spread_over_days(Decimal(1), 5, 5))
