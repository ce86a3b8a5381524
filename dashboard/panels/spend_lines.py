"""Spend as lines by day: from bills, and from measured use times prices."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.core.cache import cache

from dashboard.panels.measured_use import measured_use
from dashboard.panels.owned_costs import OwnedCosts, owned_costs, terms
from policies.costs.measured import Usage, priced
from policies.costs.prices import PriceList
from policies.costs.sheets import price_lists
from policies.costs.spend import SpendLine
from telemetry.store import TelemetryStore

REMEMBER_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Estimate:
    """Measured use with its prices."""

    lines: tuple[SpendLine, ...] = ()
    price_lists: tuple[PriceList, ...] = ()
    """Those that were applied."""
    unpriced_units: tuple[str, ...] = ()
    """Units that were used and have no price."""


def days_between(start_ms: int, end_ms: int) -> list[date]:
    """UTC days that [start, end) touches."""
    first = datetime.fromtimestamp(start_ms / 1000, UTC).date()
    last = datetime.fromtimestamp(max(end_ms - 1, start_ms) / 1000, UTC).date()
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def billed_lines(days: Sequence[date]) -> list[SpendLine]:
    """Charges of every bill that counts on `days` (consecutive), with the owners that the allocation rules give them.

    A line is over all the days. Raises what the store raises, and DocumentError.
    """
    if not days:
        return []
    chosen = list(terms(days[0], days[-1]))
    return [
        line
        for simulated in (False, True)
        for line in _owned_lines(owned_costs(chosen, simulated=simulated), days, simulated)
    ]


def _owned_lines(owned: OwnedCosts, days: Sequence[date], simulated: bool) -> Iterable[SpendLine]:
    for cost in owned.costs:
        yield SpendLine(
            day=owned.last or days[-1],
            service=cost.service,
            environment=cost.environment,
            category=cost.service_category,
            currency=cost.currency,
            billed_cost=cost.billed_cost,
            effective_cost=cost.effective_cost,
            simulated=simulated,
            trend=owned.trend(cost, days),
        )


def estimated_lines(
    store: TelemetryStore, days: Sequence[date], now_ms: int, *, simulated_services: Collection[str] = ()
) -> Estimate:
    """Measured use of `days` times the prices of each day. Raises what the store raises, and InvalidPrice."""
    lists = price_lists()
    units = frozenset(unit for prices in lists for unit in prices.prices)
    rows = priced(_remembered_use(store, days, units, now_ms), lists)
    return Estimate(
        lines=tuple(
            _line(row.usage, row.price_list.currency, row.amount, row.usage.service in simulated_services)
            for row in rows
            if row.price_list and row.amount is not None
        ),
        price_lists=tuple(prices for prices in lists if any(row.price_list is prices for row in rows)),
        unpriced_units=tuple(sorted({row.usage.unit for row in rows if row.amount is None})),
    )


def _remembered_use(
    store: TelemetryStore, days: Sequence[date], units: frozenset[str], now_ms: int
) -> list[Usage]:  # fmt: skip
    """`measured_use`, read again every minute: several pages ask for the same days."""
    key = f"use:{days[0]}:{days[-1]}:{','.join(sorted(units))}:{now_ms // 60_000}"
    found: list[Usage] | None = cache.get(key)
    if found is None:
        found = measured_use(store, days, units, now_ms)
        cache.set(key, found, REMEMBER_SECONDS)
    return found


def _line(use: Usage, currency: str, amount: Decimal, simulated: bool) -> SpendLine:
    return SpendLine(use.day, use.service, use.environment, use.unit, currency, amount, amount, simulated)
