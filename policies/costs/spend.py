"""Spend in lines by day and service, and its sums: whatever it is grouped by, the groups add up to the bill."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from policies.costs.exact import EXACT, ZERO, exact_sum, ratio

UNALLOCATED: Final = ""
"""Service of charges that no tag or rule gives to one; it is a group like any other, never left out."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class SpendLine:
    """Money of one service, environment and resource category on one UTC day (or several), in one currency."""

    day: date
    service: str
    environment: str
    category: str
    currency: str
    billed_cost: Decimal
    effective_cost: Decimal
    simulated: bool = False
    """Made by `belvedere demo`, nobody's money."""
    trend: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)
    """Of a line over several days, of which `day` is the last one: what each day of the range has, for drawing."""


@dataclass(frozen=True, slots=True)
class Spend:
    """Sum of lines."""

    billed_cost: Decimal = ZERO
    effective_cost: Decimal = ZERO

    def plus(self, line: SpendLine) -> "Spend":
        return Spend(EXACT.add(self.billed_cost, line.billed_cost), EXACT.add(self.effective_cost, line.effective_cost))


def spend_by(lines: Iterable[SpendLine], key: Callable[[SpendLine], Key]) -> dict[Key, Spend]:
    """Sum of the lines by `key`; the sums of all groups are the sum of all lines, exactly."""
    groups: dict[Key, Spend] = defaultdict(Spend)
    for line in lines:
        group = key(line)
        groups[group] = groups[group].plus(line)
    return dict(groups)


def total(lines: Iterable[SpendLine]) -> Spend:
    """Sum of all lines; the caller keeps currencies apart."""
    kept = list(lines)
    return Spend(exact_sum(line.billed_cost for line in kept), exact_sum(line.effective_cost for line in kept))


def allocated_ratio(lines: Sequence[SpendLine]) -> float | None:
    """Share of the absolute billed cost that has a service; None where there is no cost.

    Absolute, so that credits cannot hide unallocated charges.
    """
    whole = exact_sum(abs(line.billed_cost) for line in lines)
    mapped = exact_sum(abs(line.billed_cost) for line in lines if line.service != UNALLOCATED)
    return ratio(mapped, whole)


def main_currency(lines: Iterable[SpendLine]) -> str:
    """The currency with the largest absolute spend, '' without lines. Currencies are never added up."""
    sums = spend_by(
        (SpendLine(line.day, "", "", "", line.currency, abs(line.billed_cost), ZERO) for line in lines),
        lambda line: line.currency,
    )
    return max(sorted(sums), key=lambda currency: sums[currency].billed_cost, default="")
