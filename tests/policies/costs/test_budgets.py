"""A budget speaks of what is spent and of what is coming, and says so when it knows neither."""

from decimal import Decimal

import pytest

from policies.costs.budgets import BREAKING, Month, budget_state


@pytest.mark.parametrize(
    ("month", "state", "words"),
    [
        (Month(None), "unknown", "no bill reaches"),
        (Month(Decimal(101)), "over", "101.00 of 100.00 is spent"),
        (Month(Decimal(100)), "near", "100.00 of 100.00 is spent"),
        (Month(Decimal(10), Decimal(120), Decimal(90), Decimal(130)), "forecast_over", "expected to come to 120.00"),
        (Month(Decimal(80), Decimal(90), Decimal(85), Decimal(95)), "near", "80.00 of 100.00"),
        (Month(Decimal(10), Decimal(90), Decimal(80), Decimal(105)), "near", "upper limit of the forecast is 105.00"),
        (Month(Decimal(10), Decimal(50), Decimal(40), Decimal(60)), "ok", "expected to come to 50.00"),
        (Month(Decimal(10)), "ok", "too little history for a forecast"),
    ],
)
def test_states(month: Month, state: str, words: str) -> None:
    found, reason = budget_state(Decimal(100), Decimal("0.8"), month)
    assert found == state
    assert words in reason


def test_only_a_broken_budget_breaks_a_gate() -> None:
    assert {"over", "forecast_over"} == BREAKING
