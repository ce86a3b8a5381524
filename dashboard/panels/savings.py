"""Savings found by putting the bills beside what services did over the same days."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Count

from dashboard.panels.measured_use import used_by_service
from dashboard.panels.scaling import ScalingRow, scaling_panel
from dashboard.panels.spend_lines import billed_lines
from dashboard.panels.time_range import DAY, PageRange
from fleet.models import Finding
from policies.costs.exact import ZERO, exact_sum
from policies.costs.savings import Saving, idle_reason, replicas_saving, within_the_bill
from policies.costs.spend import SpendLine, main_currency
from policies.costs.spread import first_second
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError
from telemetry.store import current

DAYS: Final = 30
COMPUTE: Final = "Compute"
"""FOCUS' word for what replicas are made of; nothing else is counted as saved by fewer of them."""


@dataclass(frozen=True, slots=True)
class SavingRow:
    """One saving with what else would be gone."""

    saving: Saving
    findings: int
    """Open findings of the service that would be closed by stopping it; 0 where it goes on."""


@dataclass(frozen=True, slots=True)
class SavingsPanel:
    """Savings over `days`, in one currency; they are never more than `billed`."""

    days: tuple[date, ...]
    currency: str = ""
    billed: Decimal = ZERO
    rows: list[SavingRow] = field(default_factory=list)
    error: str = ""

    @property
    def total(self) -> Decimal:
        return exact_sum(row.saving.amount for row in self.rows)

    @property
    def closed_findings(self) -> int:
        return sum(row.findings for row in self.rows)


def savings_panel(today: date, *, simulated: bool = False) -> SavingsPanel:
    """Over the last DAYS whole days before `today`."""
    days = [today - timedelta(days=number) for number in range(DAYS, 0, -1)]
    try:
        lines = [line for line in billed_lines(days) if line.simulated is simulated]
        currency = main_currency(lines)
        lines = [line for line in lines if line.currency == currency]
        costs = _by_service(lines)
        found = [*_idle(costs, days), *_replicas(lines, today)]
    except (TelemetryError, DocumentError) as error:
        return SavingsPanel(tuple(days), error=str(error))
    kept = within_the_bill(found, costs)
    findings = _open_findings([each.service for each in kept if each.kind == "idle"])
    rows = [SavingRow(each, findings.get(each.service, 0) if each.kind == "idle" else 0) for each in kept]
    return SavingsPanel(tuple(days), currency, exact_sum(costs.values()), rows)


def _by_service(lines: Sequence[SpendLine]) -> dict[str, Decimal]:
    kept: dict[str, list[Decimal]] = defaultdict(list)
    for line in lines:
        kept[line.service].append(line.billed_cost)
    return {service: exact_sum(amounts) for service, amounts in kept.items()}


def _idle(costs: Mapping[str, Decimal], days: Sequence[date]) -> list[Saving]:
    if not any(service for service in costs):
        return []
    now_ms = time.time_ns() // 1_000_000
    cpu = used_by_service(current(), "cpu", days, now_ms)
    requests = used_by_service(current(), "requests", days, now_ms)
    return [
        Saving("idle", service, cost, reason)
        for service, cost in costs.items()
        if service and (reason := idle_reason(cpu.get(service), requests.get(service), len(days)))
    ]


def _replicas(lines: Sequence[SpendLine], today: date) -> list[Saving]:
    compute = [line for line in lines if line.category == COMPUTE and line.service]
    if not compute:
        return []
    end_ms = first_second(today) * 1000
    panel = scaling_panel(PageRange("", "", end_ms - 7 * DAY, time.time_ns() // 1_000_000))
    if panel.error:
        return []
    found = [_replicas_of(row, compute, panel.rows) for row in panel.rows]
    return [saving for saving in found if saving]


def _replicas_of(row: ScalingRow, compute: Sequence[SpendLine], rows: Sequence[ScalingRow]) -> Saving | None:
    if row.state != "fewer" or row.recommendation is None or row.now.replicas is None:
        return None
    alone = sum(other.service == row.service for other in rows) == 1
    cost = exact_sum(
        line.billed_cost
        for line in compute
        if line.service == row.service and (alone or line.environment == row.environment)
    )
    return replicas_saving(row.service, cost, row.now.replicas, row.recommendation.replicas)


def _open_findings(services: Sequence[str]) -> dict[str, int]:
    rows = Finding.objects.filter(service__name__in=services, state=Finding.State.OPEN).order_by()
    return dict(rows.values_list("service__name").annotate(count=Count("pk")))
