"""Charges of all bills that count, given to services by the allocation rules: rows add up to the bills exactly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from dashboard.panels.allocation_weights import measured_weights
from fleet.selectors.costs import counting_batches
from fleet.selectors.services import services_by_name
from policies.costs.allocation import Allocation, AllocationPolicy, Cost, Rule, allocate, totals
from policies.costs.exact import EXACT
from telemetry.store import current
from telemetry.store.charge_days import ChargeDays, DayFilter, Word

_WORDS: tuple[Word, ...] = (
    "service", "environment", "billing_currency", "charge_category", "provider_name", "service_category",
    "service_name", "region_id", "sub_account_id", "sub_account_name", "tags",
)  # fmt: skip
_PLAIN_WORDS: tuple[Word, ...] = ("service", "environment", "billing_currency")


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
    """Cost of the UTC days `first` to `last`, both included, by the rules of `policy`. Raises what the store raises."""
    rules = policy.rules if policy else ()
    rows: list[AllocatedRow] = []
    notes: dict[str, None] = {}
    costs: list[Cost] = []
    days: list[date] = []
    for simulated in (False, True):
        asked = DayFilter(counting_batches(simulated=simulated, at=at), first, last)
        found = _costs(asked, detailed=bool(rules))
        days += _range(asked)
        costs += found
        allocation = _allocated(found, rules, days)
        notes |= dict.fromkeys(allocation.notes)
        rows += _rows(allocation.costs, simulated)
    rows.sort(key=lambda row: (row.currency, -row.billed_cost, row.service, row.environment))
    name = policy.name if policy else ""
    return Allocated(rows, totals(costs), min(days, default=None), max(days, default=None), name, tuple(notes))


def _allocated(costs: list[Cost], rules: Sequence[Rule], days: Sequence[date]) -> Allocation:
    if not rules or not days:
        return Allocation(costs, ())
    weights, notes = measured_weights(rules, min(days), max(days))
    allocation = allocate(costs, rules, weights)
    return Allocation(allocation.costs, (*notes, *allocation.notes))


def _range(asked: DayFilter) -> list[date]:
    days = [row[0] for row in ChargeDays(current()).sums(asked, ["day"])]
    return [days[0], days[-1]] if days else []


def _costs(asked: DayFilter, *, detailed: bool) -> list[Cost]:
    words = _WORDS if detailed else _PLAIN_WORDS
    return [_cost(row, detailed) for row in ChargeDays(current()).sums(asked, words)]


def _cost(row: tuple[Any, ...], detailed: bool) -> Cost:
    service, environment, currency, *words = row[:-3]
    billed, effective, charges = row[-3:]
    if not detailed:
        return Cost(service, environment, currency, billed, effective, charges)
    *others, tags = words
    return Cost(*(service, environment, currency, billed, effective, charges, *others, _tags(tags)))


def _tags(text: str) -> dict[str, str]:
    return {str(name).strip(): str(value) for name, value in orjson.loads(text).items()} if text else {}


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
                billed_cost=_sum(member.billed_cost for member in members),
                effective_cost=_sum(member.effective_cost for member in members),
                charges=sum(member.charges for member in members),
                rules=tuple(sorted({member.rule for member in members} - {""})),
                simulated=simulated,
            )
        )
    return rows


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
