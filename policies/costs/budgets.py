"""How a month stands against its budget: what is spent, and what the forecast says it comes to."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

State = Literal["ok", "near", "forecast_over", "over", "unknown"]

BREAKING: frozenset[State] = frozenset({"over", "forecast_over"})
"""States that a gate refuses."""


@dataclass(frozen=True, slots=True)
class Month:
    """What is known of the month so far; `expected` and its limits are of the whole month, None without forecast."""

    spent: Decimal | None
    """None: no bill reaches into the month."""
    expected: Decimal | None = None
    lower: Decimal | None = None
    upper: Decimal | None = None


def budget_state(amount: Decimal, near_ratio: Decimal, month: Month) -> tuple[State, str]:
    """(state, the reason as a sentence); `near_ratio` of the amount is where attention begins, 0 to 1."""
    if month.spent is None:
        return "unknown", "no bill reaches into this month, so nothing can be said"
    if month.spent > amount:
        return "over", f"{_money(month.spent)} of {_money(amount)} is spent"
    if month.expected is not None and month.expected > amount:
        return "forecast_over", f"the month is expected to come to {_money(month.expected)}, over {_money(amount)}"
    if month.spent >= amount * near_ratio:
        return "near", f"{_money(month.spent)} of {_money(amount)} is spent"
    if month.upper is not None and month.upper > amount:
        return "near", f"the upper limit of the forecast is {_money(month.upper)}, over {_money(amount)}"
    if month.expected is None:
        return "ok", f"{_money(month.spent)} of {_money(amount)} is spent; too little history for a forecast"
    return "ok", f"the month is expected to come to {_money(month.expected)} of {_money(amount)}"


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"
