"""What the one-page cost report of a month says, from the bills that counted at a moment."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from dashboard.panels.allocated_cost import AllocatedRow, allocated_cost
from dashboard.panels.owned_costs import owned_costs, terms
from policies.costs.exact import EXACT, ZERO, exact_sum, rounded_to_cents

UNALLOCATED: Final = "Unallocated"
NO_TEAM: Final = "No team"


@dataclass(frozen=True, slots=True)
class Change:
    """Billed cost of one name in the month and in the one before."""

    name: str
    cents: Decimal
    """In whole cents; a table's rows add up to the total in cents."""
    amount: Decimal
    before: Decimal

    @property
    def difference(self) -> Decimal:
        return EXACT.subtract(self.amount, self.before)


@dataclass(frozen=True, slots=True)
class CostMonth:
    """One currency of one month. Simulated bills are left out."""

    first: date
    last: date
    at: datetime
    """The bills and rules that counted then."""
    currency: str
    billed: Decimal
    effective: Decimal
    before: Decimal
    """Billed in the month before."""
    services: list[Change]
    teams: list[Change]
    daily: list[float]
    """Billed on each day of the month, for drawing."""
    policies: str
    notes: tuple[str, ...]
    others: list[tuple[str, Decimal]]
    """Billed in other currencies; in no sum here."""

    @property
    def unallocated(self) -> Decimal:
        return exact_sum(each.amount for each in self.services if each.name == UNALLOCATED)


def cost_month(month: date, at: datetime) -> CostMonth:
    """The report of the UTC month of `month`. Raises what `allocated_cost` raises."""
    first = month.replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    earlier = (first - timedelta(days=1)).replace(day=1)
    now, then = allocated_cost(first, last, at=at), allocated_cost(earlier, first - timedelta(days=1), at=at)
    rows, old = [row for row in now.rows if not row.simulated], [row for row in then.rows if not row.simulated]
    sums = {currency: _sum(rows, currency) for currency in sorted({row.currency for row in rows})}
    currency = max(sums, key=lambda name: abs(sums[name]), default="USD")
    kept, before = _of(rows, currency), _of(old, currency)
    return CostMonth(
        first=first,
        last=last,
        at=at,
        currency=currency,
        billed=sums.get(currency, ZERO),
        effective=exact_sum(row.effective_cost for row in kept),
        before=exact_sum(row.billed_cost for row in before),
        services=_changes(kept, before, lambda row: row.service or UNALLOCATED),
        teams=_changes(kept, before, lambda row: row.team or NO_TEAM),
        daily=_daily(first, last, currency, at),
        policies=now.policy,
        notes=now.notes,
        others=[(name, amount) for name, amount in sums.items() if name != currency],
    )


def _of(rows: Iterable[AllocatedRow], currency: str) -> list[AllocatedRow]:
    return [row for row in rows if row.currency == currency]


def _sum(rows: Iterable[AllocatedRow], currency: str) -> Decimal:
    return exact_sum(row.billed_cost for row in _of(rows, currency))


def _changes(
    rows: Sequence[AllocatedRow], before: Sequence[AllocatedRow], name: Callable[[AllocatedRow], str]
) -> list[Change]:
    amounts, earlier = _by(rows, name), _by(before, name)
    names = sorted(amounts.keys() | earlier.keys(), key=lambda each: (-amounts.get(each, ZERO), each))
    cents = rounded_to_cents([amounts.get(each, ZERO) for each in names])
    return [
        Change(each, shown, amounts.get(each, ZERO), earlier.get(each, ZERO))
        for each, shown in zip(names, cents, strict=True)
    ]


def _by(rows: Iterable[AllocatedRow], name: Callable[[AllocatedRow], str]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[name(row)] = EXACT.add(sums.get(name(row), ZERO), row.billed_cost)
    return sums


def _daily(first: date, last: date, currency: str, at: datetime) -> list[float]:
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    owned = owned_costs(list(terms(first, last, at=at)), simulated=False, at=at)
    trends = [owned.trend(cost, days) for cost in owned.costs if cost.currency == currency]
    daily: list[float] = sum(trends).tolist() if trends else [0.0] * len(days)  # type: ignore[union-attr]
    return daily
