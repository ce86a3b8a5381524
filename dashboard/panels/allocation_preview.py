"""Last month under new allocation rules beside the rules in force."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dashboard.panels.allocated_cost import Allocated, allocated_cost
from policies.costs.allocation import AllocationPolicy
from policies.costs.exact import EXACT, ZERO


@dataclass(frozen=True, slots=True)
class Moved:
    """Billed cost of one service ('' = unallocated) in one currency, before and after."""

    service: str
    currency: str
    before: Decimal
    after: Decimal
    rules: tuple[str, ...]

    @property
    def difference(self) -> Decimal:
        return EXACT.subtract(self.after, self.before)


@dataclass(frozen=True, slots=True)
class Preview:
    """A month under both rules; the sums of both columns are those of the bills."""

    first: date
    last: date
    rows: list[Moved]
    totals: dict[str, tuple[Decimal, Decimal]]
    notes: tuple[str, ...]


def allocation_preview(policy: AllocationPolicy, today: date) -> Preview:
    """The last whole UTC month before `today`. Raises what `allocated_cost` raises."""
    last = today.replace(day=1) - timedelta(days=1)
    first = last.replace(day=1)
    before, after = allocated_cost(first, last), allocated_cost(first, last, policy=policy)
    old, new = _by_service(before), _by_service(after)
    rules: dict[tuple[str, str], set[str]] = {}
    for row in after.rows:
        rules.setdefault((row.service, row.currency), set()).update(row.rules)
    rows = [
        Moved(*key, old.get(key, ZERO), new.get(key, ZERO), tuple(sorted(rules.get(key, ()))))
        for key in old.keys() | new.keys()
    ]
    rows.sort(key=lambda row: (row.currency, -max(abs(row.before), abs(row.after)), row.service))
    return Preview(first, last, rows, after.totals, after.notes)


def _by_service(allocated: Allocated) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = {}
    for row in allocated.rows:
        key = row.service, row.currency
        sums[key] = EXACT.add(sums.get(key, ZERO), row.billed_cost)
    return sums
