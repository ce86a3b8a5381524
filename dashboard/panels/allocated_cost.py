"""Charges of all bills that count, given to services by the allocation rules: rows add up to the bills exactly."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from dashboard.panels.owned_costs import Term, owned_costs, terms
from fleet.selectors.services import services_by_name
from policies.costs.allocation import AllocationPolicy, Cost, totals
from policies.costs.exact import exact_sum


@dataclass(frozen=True, slots=True)
class AllocatedRow:
    """Cost of one service in one environment and currency; '' where nothing is known."""

    service: str
    team: str
    environment: str
    currency: str
    billed_cost: Decimal
    effective_cost: Decimal
    charges: int
    rules: tuple[str, ...]
    """Rules that gave something to it."""
    simulated: bool


@dataclass(frozen=True, slots=True)
class Allocated:
    """Allocation of all days from `first` to `last` that have charges; both None without any."""

    rows: list[AllocatedRow]
    totals: dict[str, tuple[Decimal, Decimal]]
    """(billed, effective) of the bills by currency."""
    first: date | None
    last: date | None
    policy: str
    notes: tuple[str, ...]


def allocated_cost(
    first: date, last: date, *, policy: AllocationPolicy | None = None, at: datetime | None = None
) -> Allocated:
    """Cost of the UTC days `first` to `last`, both included, by `policy` or else by the rules in force on each day.

    Raises what the store raises, and DocumentError if stored rules cannot be read.
    """
    chosen = [Term(first, last, policy)] if policy else list(terms(first, last, at=at))
    rows: list[AllocatedRow] = []
    owned = [owned_costs(chosen, simulated=simulated, at=at) for simulated in (False, True)]
    for simulated, part in enumerate(owned):
        rows += _rows(part.costs, bool(simulated))
    rows.sort(key=lambda row: (row.currency, -row.billed_cost, row.service, row.environment))
    return Allocated(
        rows,
        totals(cost for part in owned for cost in part.billed),
        min((part.first for part in owned if part.first), default=None),
        max((part.last for part in owned if part.last), default=None),
        ", ".join(dict.fromkeys(term.policy.name for term in chosen if term.policy and term.policy.name)),
        tuple(dict.fromkeys(note for part in owned for note in part.notes)),
    )


def _rows(costs: Iterable[Cost], simulated: bool) -> list[AllocatedRow]:
    known = services_by_name()
    groups: dict[tuple[str, str, str], list[Cost]] = {}
    for cost in costs:
        groups.setdefault((cost.service, cost.environment, cost.currency), []).append(cost)
    rows = []
    for (service, environment, currency), members in groups.items():
        owner = known.get(service)
        rows.append(
            AllocatedRow(
                service=service,
                team=owner.team.name if owner and owner.team else "",
                environment=environment,
                currency=currency,
                billed_cost=exact_sum(member.billed_cost for member in members),
                effective_cost=exact_sum(member.effective_cost for member in members),
                charges=sum(member.charges for member in members),
                rules=tuple(sorted({member.rule for member in members} - {""})),
                simulated=simulated,
            )
        )
    return rows
