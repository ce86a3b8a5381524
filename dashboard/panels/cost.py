"""The cost page: who spends what, by bill where there is one and by measured use where there is none."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal

import numpy as np

from dashboard.panels.cost_ledger import GroupSpend, Ledger, ServiceSpend, group_rows, service_rows, sum_of
from dashboard.panels.figures import Figure, Line, Style, bar_figure, time_series_figure
from dashboard.panels.measured_use import MOST_DAYS
from dashboard.panels.spend_lines import Estimate, billed_lines, days_between, estimated_lines
from dashboard.panels.time_range import DAY, PageRange
from fleet.models import CostImport, Service
from fleet.selectors.costs import cost_imports
from fleet.selectors.services import services
from policies.costs.exact import ZERO, rounded_to_cents
from policies.costs.prices import InvalidPrice, PriceList
from policies.costs.spend import UNALLOCATED, SpendLine, allocated_ratio, main_currency, spend_by
from policies.costs.spread import first_second
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError
from telemetry.model.time import TimeGrid
from telemetry.store import current

Fleet = Literal["", "real", "simulated"]

NO_TEAM: Final = "No team"
NO_ENVIRONMENT: Final = "No environment"
FIGURE_SERVICES: Final = 7
"""Services with a colour of their own; the others are drawn as one."""
BILLS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class CostPanel:
    """Everything the cost page shows, in one currency; `error` says why something could not be read."""

    days: tuple[date, ...]
    """Whole UTC days; the last one may not be over."""
    currency: str = ""
    spend: Decimal = ZERO
    """Bills, plus the estimate of services without a bill."""
    spend_cents: Decimal = ZERO
    billed_cost: Decimal | None = None
    """None: no charge of any bill falls into the range."""
    effective_cost: Decimal | None = None
    estimated_cost: Decimal | None = None
    """Of everything measured, with or without a bill; None: nothing was measured."""
    unallocated_cost: Decimal = ZERO
    allocated_ratio: float | None = None
    """Share of the bills that has a service."""
    simulated_spend: Decimal = ZERO
    services: list[ServiceSpend] = field(default_factory=list)
    teams: list[GroupSpend] = field(default_factory=list)
    environments: list[GroupSpend] = field(default_factory=list)
    categories: list[GroupSpend] = field(default_factory=list)
    other_currencies: list[tuple[str, Decimal]] = field(default_factory=list)
    """Billed amounts in further currencies; they are in no sum above."""
    price_lists: tuple[PriceList, ...] = ()
    unpriced_units: tuple[str, ...] = ()
    bills: list[CostImport] = field(default_factory=list)
    daily_figure: Figure | None = None
    team_figure: Figure | None = None
    error: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.services

    @property
    def has_example_prices(self) -> bool:
        """Whether any amount comes from the example price sheet."""
        return any(prices.example for prices in self.price_lists)

    @property
    def groups(self) -> list[tuple[str, str, list[GroupSpend]]]:
        """(word of the drill-down, title, rows): the same spend, split three ways."""
        return [
            ("team", "By team", self.teams),
            ("environment", "By environment", self.environments),
            ("category", "By resource", self.categories),
        ]

    @property
    def spend_per_day(self) -> Decimal:
        return self.spend / len(self.days)


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which lines a page is about."""

    fleet: Fleet = ""
    only_services: Collection[str] | None = None

    def take(self, line: SpendLine) -> bool:
        simulated = {"real": False, "simulated": True}.get(self.fleet)
        return (simulated is None or line.simulated is simulated) and (
            self.only_services is None or line.service in self.only_services
        )


def cost_panel(
    time_range: PageRange,
    *,
    fleet: Fleet = "",
    only_services: Collection[str] | None = None,
    now_ms: int | None = None,
) -> CostPanel:
    """Spend of the UTC days that `time_range` touches; use is estimated for the last MOST_DAYS of them.

    `only_services` keeps the rows of these services, as for people who see their team's spend only.
    """
    days = days_between(time_range.start_ms, time_range.end_ms)
    known = {service.name: service for service in services()}
    try:
        billed, estimate = _read(days, known, _now(now_ms))
    except (TelemetryError, InvalidPrice, DocumentError) as error:
        return CostPanel(tuple(days), bills=_bills(), error=str(error))
    take = _Selection(fleet, only_services).take
    billed, shown = list(filter(take, billed)), list(filter(take, estimate.lines))
    currency = main_currency(billed) or main_currency(shown)
    ledger = Ledger(
        tuple(days),
        currency,
        [line for line in billed if line.currency == currency],
        [line for line in shown if line.currency == currency],
        known,
    )
    return _panel(ledger, estimate, _other_currencies(billed, currency))


def _now(now_ms: int | None) -> int:
    return time.time_ns() // 1_000_000 if now_ms is None else now_ms


def _read(days: Sequence[date], known: Mapping[str, Service], now_ms: int) -> tuple[list[SpendLine], Estimate]:
    store = current()
    simulated = {name for name, service in known.items() if service.is_simulated}
    estimate = estimated_lines(store, days[-MOST_DAYS:], now_ms, simulated_services=simulated)
    return billed_lines(days), estimate


def _bills() -> list[CostImport]:
    return list(cost_imports()[:BILLS_SHOWN])


def _other_currencies(billed: Sequence[SpendLine], currency: str) -> list[tuple[str, Decimal]]:
    sums = spend_by(billed, lambda line: line.currency)
    return sorted((name, group.billed_cost) for name, group in sums.items() if name != currency)


def _panel(ledger: Ledger, estimate: Estimate, others: list[tuple[str, Decimal]]) -> CostPanel:
    spend = ledger.spend
    rows = service_rows(ledger)
    teams = group_rows(ledger, lambda line: ledger.team_of(line.service), NO_TEAM)
    return CostPanel(
        days=ledger.days,
        currency=ledger.currency,
        spend=sum_of(spend),
        spend_cents=rounded_to_cents([sum_of(spend)])[0],
        billed_cost=sum_of(ledger.billed) if ledger.billed else None,
        effective_cost=_effective(ledger.billed),
        estimated_cost=sum_of(ledger.estimate) if ledger.estimate else None,
        unallocated_cost=sum_of([line for line in ledger.billed if line.service == UNALLOCATED]),
        allocated_ratio=allocated_ratio(ledger.billed),
        simulated_spend=sum_of([line for line in spend if line.simulated]),
        services=rows,
        teams=teams,
        environments=group_rows(ledger, lambda line: line.environment, NO_ENVIRONMENT),
        categories=group_rows(ledger, lambda line: line.category, "No category"),
        other_currencies=others,
        price_lists=estimate.price_lists,
        unpriced_units=estimate.unpriced_units,
        bills=_bills(),
        daily_figure=_daily_figure(ledger, rows),
        team_figure=bar_figure(
            [team.name for team in teams], [float(team.spend) for team in teams],
            title="Spend by team", unit=ledger.currency,
        ),
    )  # fmt: skip


def _effective(billed: Sequence[SpendLine]) -> Decimal | None:
    groups = spend_by(billed, lambda line: line.currency)
    return next((group.effective_cost for group in groups.values()), None)


def _daily_figure(ledger: Ledger, rows: Sequence[ServiceSpend]) -> Figure:
    """Bars by day, stacked by service; the smaller services are one."""
    start_ms = first_second(ledger.days[0]) * 1000
    grid = TimeGrid(start_ms, start_ms + (len(ledger.days) - 1) * DAY, DAY)
    lines = [Line(row.name, row.trend) for row in rows[:FIGURE_SERVICES]]
    if others := rows[FIGURE_SERVICES:]:
        lines.append(Line(f"{len(others)} others", np.nansum([row.trend for row in others], axis=0), role="none"))
    return time_series_figure(
        lines, grid, title="Spend by day", unit=ledger.currency, style=Style(kind="bar", stacked=True)
    )  # fmt: skip
