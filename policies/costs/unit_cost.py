"""Cost per unit of work: over some days, by day, and from release to release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from policies.costs.exact import EXACT, ZERO, unit_price


@dataclass(frozen=True, slots=True)
class Released:
    """Days on which one version ran; it counts from the first whole day after its deployment."""

    version: str
    first: date
    last: date
    cost: Decimal
    units: Decimal
    per_unit: Decimal | None


def per_unit(cost: Decimal, units: Decimal, size: int) -> Decimal | None:
    """Cost of `size` units, rounded at 18 places; None where no work was done: that is not free."""
    return EXACT.multiply(unit_price(cost, units), Decimal(size)) if units > 0 else None


def by_release(
    versions: Sequence[tuple[str, date]], costs: Mapping[date, Decimal], units: Mapping[date, Decimal], size: int
) -> list[Released]:
    """Releases in the order of their first whole day; days before the first version belong to none.

    `versions` are (version, first whole day), ascending; of several from one day on the last one counts.
    """
    days = sorted(costs.keys() & units.keys())
    begun = {first: version for version, first in versions}
    starts = sorted(begun)
    found = []
    for start, following in zip(starts, [*starts[1:], date.max], strict=True):
        ran = [day for day in days if start <= day < following]
        if ran:
            cost, done = _sum(costs, ran), _sum(units, ran)
            found.append(Released(begun[start], ran[0], ran[-1], cost, done, per_unit(cost, done, size)))
    return found


def _sum(amounts: Mapping[date, Decimal], days: Sequence[date]) -> Decimal:
    total = ZERO
    for day in days:
        total = EXACT.add(total, amounts[day])
    return total
