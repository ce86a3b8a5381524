"""Costs of the bills with their owners, by the allocation rules in force on each day, and what each day has of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from dashboard.panels.allocation_weights import measured_weights
from dashboard.panels.day_sums import summed_batches
from fleet.selectors.costs import allocation_versions
from policies.costs.allocation import AllocationPolicy, Cost, allocate, read_allocation_policy
from telemetry.store import current
from telemetry.store.charge_days import ChargeDays, DayFilter, Word

WORDS: Final[tuple[Word, ...]] = (
    "service", "environment", "billing_currency", "charge_category", "provider_name", "service_category",
    "service_name", "region_id", "sub_account_id", "sub_account_name", "tags",
)  # fmt: skip
PLAIN_WORDS: Final[tuple[Word, ...]] = (
    "service", "environment", "billing_currency", "charge_category", "provider_name", "service_category",
)  # fmt: skip

_read_policy = lru_cache(maxsize=32)(read_allocation_policy)


@dataclass(frozen=True, slots=True)
class Term:
    """Days from `first` to `last`, both included, on which one policy is in force; None: as the bills say."""

    first: date
    last: date
    policy: AllocationPolicy | None


@dataclass(frozen=True, slots=True)
class OwnedCosts:
    """Costs after the rules. `spread[cost.source]` is what each day since `first` has of the cost before the rules."""

    billed: list[Cost]
    """As the bills say."""
    costs: list[Cost]
    spread: list[NDArray[np.float64]]
    """float64[days with charges]; for drawing."""
    first: date | None
    last: date | None
    """Days with charges; None without any."""
    notes: tuple[str, ...]

    def trend(self, cost: Cost, days: Sequence[date]) -> NDArray[np.float64]:
        """float64[days]: what each of the consecutive `days` has of `cost`."""
        trend = np.zeros(len(days))
        source, whole = self.billed[cost.source], self.spread[cost.source]
        part = float(cost.billed_cost / source.billed_cost) if source.billed_cost else 0.0
        shift = (self.first - days[0]).days if self.first else 0
        trend[shift : shift + len(whole)] = whole * part
        return trend


def terms(first: date, last: date, *, at: datetime | None = None) -> Iterator[Term]:
    """The days `first` to `last`, cut where another version begins, as known `at` a time. Raises DocumentError."""
    begun = {version.valid_from: version.document for version in allocation_versions(at=at)}
    starts = sorted({first, *(day for day in begun if first < day <= last)})
    for start, following in zip(starts, [*starts[1:], last + timedelta(days=1)], strict=True):
        day = max((day for day in begun if day <= start), default=None)
        policy = _read_policy(begun[day]) if day else None
        yield Term(start, following - timedelta(days=1), policy)


def owned_costs(of: Sequence[Term], *, simulated: bool, at: datetime | None = None) -> OwnedCosts:
    """Costs of the days of consecutive terms. Raises what the store raises."""
    batches = summed_batches(simulated=simulated, at=at)
    billed: list[Cost] = []
    costs: list[Cost] = []
    dated: list[tuple[date, list[int], list[float]]] = []
    notes: dict[str, None] = {}
    days_sums = ChargeDays(current())
    for term in of:
        rules = term.policy.rules if term.policy else ()
        rows = days_sums.over_time(DayFilter(batches, term.first, term.last), WORDS if rules else PLAIN_WORDS)
        found = [replace(_cost(row), source=len(billed) + number) for number, row in enumerate(rows)]
        dated += [(term.first, row[-2], row[-1]) for row in rows]
        billed += found
        if not rules or not rows:
            costs += found
            continue
        offsets = min(min(row[-2]) for row in rows), max(max(row[-2]) for row in rows)
        weights, unknown = measured_weights(rules, *(term.first + timedelta(days=offset) for offset in offsets))
        allocation = allocate(found, rules, weights)
        costs += allocation.costs
        notes |= dict.fromkeys([*unknown, *allocation.notes])
    first = min((start + timedelta(days=min(days)) for start, days, _ in dated), default=None)
    last = max((start + timedelta(days=max(days)) for start, days, _ in dated), default=None)
    return OwnedCosts(billed, costs, list(_spread(dated, first, last)), first, last, tuple(notes))


def _spread(
    dated: Sequence[tuple[date, list[int], list[float]]], first: date | None, last: date | None
) -> Iterator[NDArray[np.float64]]:
    if first is None or last is None:
        return
    for start, days, amounts in dated:
        spread = np.zeros((last - first).days + 1)
        spread[np.asarray(days) + (start - first).days] = amounts
        yield spread


def _cost(row: tuple[Any, ...]) -> Cost:
    service, environment, currency, *words = row[:-5]
    billed, effective, charges = row[-5:-2]
    others, tags = (words, "") if len(words) < len(WORDS) - 3 else (words[:-1], words[-1])
    cost = Cost(service, environment, currency, billed, effective, charges, *others)
    return replace(cost, tags=_tags(tags)) if tags else cost


def _tags(text: str) -> dict[str, str]:
    return {str(name).strip(): str(value) for name, value in orjson.loads(text).items()}
