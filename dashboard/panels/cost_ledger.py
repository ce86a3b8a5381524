"""Lines of spend as the groups that a page shows; every grouping adds up to the same total, also in cents."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from fleet.models import Service
from policies.costs.exact import ZERO, exact_sum, ratio, rounded_to_cents
from policies.costs.spend import UNALLOCATED, SpendLine, spend_by

SpendSource = Literal["bill", "estimate"]

UNALLOCATED_NAME: Final = "Unallocated"


@dataclass(frozen=True, slots=True)
class GroupSpend:
    """Spend of one service, team, environment or resource category over the range."""

    name: str
    spend: Decimal
    """Exact; `cents` of all rows of one table add up to the total in cents."""
    cents: Decimal
    effective_cost: Decimal
    """Amortised: commitments counted where they are used."""
    share_ratio: float | None
    trend: list[float]
    """Spend by day of the range, for a sparkline; NaN after the last day of the bills."""
    simulated: bool = False
    key: str = ""
    """What the charges are found by; '' where `name` is a word for "none"."""


@dataclass(frozen=True, slots=True)
class ServiceSpend(GroupSpend):
    """Spend of one service, or of what belongs to none."""

    service: str = UNALLOCATED
    """'' where `name` is only a word for "unallocated"."""
    team: str = ""
    source: SpendSource = "bill"
    """What `spend` comes from; a service without any bill is estimated."""
    estimated_cost: Decimal | None = None
    """Measured use times prices over the same days; None where nothing was measured."""
    known: bool = False
    """Whether there is a service page of this name."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Lines in one currency: those that count as spend, and the estimate beside them."""

    days: tuple[date, ...]
    currency: str
    billed: Sequence[SpendLine]
    estimate: Sequence[SpendLine]
    known: Mapping[str, Service]

    @property
    def billed_services(self) -> frozenset[str]:
        return frozenset(line.service for line in self.billed)

    @property
    def spend(self) -> list[SpendLine]:
        """The bills, and the estimate of services that have none."""
        billed = self.billed_services
        return [*self.billed, *(line for line in self.estimate if line.service not in billed)]

    def team_of(self, service: str) -> str:
        """Name of the team, '' if nobody owns the service."""
        known = self.known.get(service)
        return known.team.name if known and known.team else ""


def group_rows(ledger: Ledger, key: Callable[[SpendLine], str], unnamed: str) -> list[GroupSpend]:
    """Groups of the spend, largest first."""
    return [replace(row, name=row.name or unnamed) for row in _groups(ledger, key)]


def service_rows(ledger: Ledger) -> list[ServiceSpend]:
    """One row a service and one for what is unallocated (simulated bills have one of their own)."""
    billed = ledger.billed_services
    estimates = spend_by(ledger.estimate, lambda line: line.service)
    rows = []
    for row in _groups(ledger, lambda line: line.service):
        estimate = estimates.get(row.name)
        rows.append(
            ServiceSpend(
                name=row.name or UNALLOCATED_NAME,
                spend=row.spend,
                cents=row.cents,
                effective_cost=row.effective_cost,
                share_ratio=row.share_ratio,
                trend=row.trend,
                simulated=row.simulated,
                key=row.name,
                service=row.name,
                team=ledger.team_of(row.name),
                source="bill" if row.name in billed else "estimate",
                estimated_cost=estimate.billed_cost if estimate else None,
                known=row.name in ledger.known,
            )
        )
    return rows


def _groups(ledger: Ledger, key: Callable[[SpendLine], str]) -> list[GroupSpend]:
    """Groups by (key, simulated) with the key as name, largest first."""
    lines = ledger.spend
    sums = spend_by(lines, lambda line: (key(line), line.simulated))
    trends = _trends(ledger, key)
    ranked = sorted(sums, key=lambda group: (-sums[group].billed_cost, group))
    cents = rounded_to_cents([sums[group].billed_cost for group in ranked])
    whole = exact_sum(group.billed_cost for group in sums.values())
    return [
        GroupSpend(
            name=group[0],
            spend=sums[group].billed_cost,
            cents=shown,
            effective_cost=sums[group].effective_cost,
            share_ratio=ratio(sums[group].billed_cost, whole),
            trend=trends[group],
            simulated=group[1],
            key=group[0],
        )
        for group, shown in zip(ranked, cents, strict=True)
    ]


def _trends(ledger: Ledger, key: Callable[[SpendLine], str]) -> dict[tuple[str, bool], list[float]]:
    """Spend of each group by day, for drawing only; days that no bill reaches yet are NaN, not free."""
    billed = ledger.billed_services
    measured = {(key(line), line.simulated) for line in ledger.estimate if line.service not in billed}
    reached = {line.simulated: line.day for line in sorted(ledger.billed, key=lambda line: line.day)}
    trends: dict[tuple[str, bool], NDArray[np.float64]] = {}
    for line in ledger.spend:
        trend = _trend(line, ledger.days)
        before = trends.get((key(line), line.simulated))
        trends[key(line), line.simulated] = trend if before is None else before + trend
    for (name, simulated), trend in trends.items():
        if (name, simulated) not in measured:
            trend[[day > reached[simulated] for day in ledger.days]] = math.nan
    return {group: trend.tolist() for group, trend in trends.items()}


def _trend(line: SpendLine, days: Sequence[date]) -> NDArray[np.float64]:
    if line.trend is not None:
        return np.array(line.trend, dtype=np.float64)
    trend = np.zeros(len(days))
    if days[0] <= line.day <= days[-1]:
        trend[(line.day - days[0]).days] = float(line.billed_cost)
    return trend


def sum_of(lines: Sequence[SpendLine]) -> Decimal:
    """Exact billed cost of lines in one currency."""
    return exact_sum(line.billed_cost for line in lines) if lines else ZERO
