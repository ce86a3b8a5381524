"""How every budget stands this month: spent, expected, and the reason in words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dashboard.panels.spend_history import history_of, lines_of_fleet, lines_of_tag, recent_days
from fleet.models import Budget
from fleet.selectors.services import services_by_name
from policies.costs.budgets import BREAKING, Month, State, budget_state
from policies.costs.exact import CENT, EXACT, exact_sum
from policies.costs.forecast import forecast
from policies.costs.spend import SpendLine
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One budget; `spent_ratio` is None where nothing is known."""

    budget: Budget
    state: State
    reason: str
    month: Month
    amount: Decimal
    spent_ratio: float | None

    @property
    def breaks(self) -> bool:
        return self.state in BREAKING


def budget_rows(budgets: Collection[Budget], today: date) -> list[BudgetRow]:
    """How they stand in the month of `today`; what cannot be read makes a budget unknown, never well."""
    if not budgets:
        return []
    days = recent_days(today)
    month_days = [day for day in days if day >= today.replace(day=1)]
    try:
        fleet = lines_of_fleet(days), lines_of_fleet(month_days)
        return [_row(budget, *_lines(budget, fleet, (days, month_days)), days, today) for budget in budgets]
    except (TelemetryError, DocumentError) as error:
        reason = f"spend could not be read: {error}"
        return [BudgetRow(budget, "unknown", reason, Month(None), Decimal(budget.amount), None) for budget in budgets]


def _lines(
    budget: Budget, fleet: tuple[list[SpendLine], list[SpendLine]], days: tuple[list[date], list[date]]
) -> tuple[list[SpendLine], list[SpendLine]]:
    """Lines of the budget's scope and currency: of the recent days, and of this month."""
    if budget.scope == Budget.Scope.TAG:
        name, _, value = budget.value.partition("=")
        found = lines_of_tag(days[0], name, value), lines_of_tag(days[1], name, value)
    else:
        names = {budget.value} if budget.scope == Budget.Scope.SERVICE else _services_of(budget.value)
        found = _owned(fleet[0], names), _owned(fleet[1], names)
    past, month = found
    return (
        [line for line in past if line.currency == budget.currency],
        [line for line in month if line.currency == budget.currency],
    )


def _owned(lines: Sequence[SpendLine], services: Collection[str]) -> list[SpendLine]:
    return [line for line in lines if line.service in services]


def _services_of(team: str) -> set[str]:
    return {name for name, service in services_by_name().items() if service.team and service.team.name == team}


def _row(budget: Budget, past: list[SpendLine], month: list[SpendLine], days: list[date], today: date) -> BudgetRow:
    amount = Decimal(budget.amount)
    known = _month(past, month, days, today)
    state, reason = budget_state(amount, Decimal(budget.near_ratio), known)
    ratio = None if known.spent is None else float(known.spent / amount)
    return BudgetRow(budget, state, reason, known, amount, ratio)


def _month(past: list[SpendLine], month: list[SpendLine], days: list[date], today: date) -> Month:
    if not month:
        return Month(None)
    spent = exact_sum(line.billed_cost for line in month)
    history = history_of(past, days, today)
    end = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    coming = forecast(history.amounts, (end - history.last).days - 1) if history else None
    if history is None or coming is None:
        whole_month = history is not None and history.last >= end - timedelta(days=1)
        return Month(spent, *((spent,) * 3 if whole_month else ()))
    # What is billed of today already is part of what is expected of today.
    until = exact_sum([spent, -_cents(_after(past, days, history.last))])
    rest = float(coming.expected.sum())
    width = abs(rest) * coming.total_error_ratio
    return Month(spent, *(EXACT.add(until, _cents(rest + by)) for by in (0.0, -width, width)))


def _after(past: Sequence[SpendLine], days: Sequence[date], last: date) -> float:
    """What the lines have on the days after `last`."""
    start = (last - days[0]).days + 1
    return sum(float(line.trend[start:].sum()) for line in past if line.trend is not None)


def _cents(amount: float) -> Decimal:
    return Decimal(repr(round(amount, 2))).quantize(CENT)
