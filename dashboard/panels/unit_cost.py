"""Cost per unit of work by service, by day and by release; the unit is requests or what a PromQL query counts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from dashboard.panels.figures import Figure, Line, time_series_figure
from dashboard.panels.measured_use import MOST_DAYS, used_by_day
from dashboard.panels.spend_lines import billed_lines, days_between
from dashboard.panels.time_range import DAY, PageRange
from fleet.models import Deployment
from policies.costs.exact import exact_sum
from policies.costs.spend import SpendLine, main_currency
from policies.costs.spread import first_second
from policies.costs.unit_cost import Released, by_release, per_unit
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError
from telemetry.model.labels import label_value
from telemetry.model.samples import Frame
from telemetry.model.time import TimeGrid
from telemetry.promql.engine import Engine
from telemetry.promql.run import Options
from telemetry.store import current

SIZE: Final = 1000
"""Units that a cost is told for."""
DRAWN: Final = 8
UNIT: Final = "requests"

UnitsByDay = Mapping[str, Mapping[date, Decimal]]


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One service over the days that have both a bill and a count."""

    service: str
    cost: Decimal
    units: Decimal
    per_size: Decimal | None
    """Cost of SIZE units; None where no work was counted."""
    trend: list[float]
    """By day; NaN without a bill or without work."""
    releases: list[Released]


@dataclass(frozen=True, slots=True)
class UnitCostPanel:
    """What the page shows; `error` says why it could not be found out."""

    days: tuple[date, ...]
    currency: str = ""
    rows: list[UnitRow] = field(default_factory=list)
    figure: Figure | None = None
    error: str = ""


def unit_cost_panel(time_range: PageRange, *, query: str = "", service: str = "") -> UnitCostPanel:
    """Over the UTC days of the range, MOST_DAYS at most; `query` counts the units of each day at its end, by `service`.

    `service` keeps one and adds its releases.
    """
    days = days_between(time_range.start_ms, time_range.end_ms)[-MOST_DAYS:]
    try:
        lines = billed_lines(days)
        currency = main_currency(lines)
        units = _queried(query, days) if query else used_by_day(current(), UNIT, days, _now_ms())
    except (TelemetryError, DocumentError) as error:
        return UnitCostPanel(tuple(days), error=str(error))
    lines = [line for line in lines if line.currency == currency and line.service and service in ("", line.service)]
    rows = [
        _row(name, [line for line in lines if line.service == name], units[name], days, bool(service))
        for name in sorted({line.service for line in lines} & units.keys())
    ]
    rows.sort(key=lambda row: (-row.cost, row.service))
    return UnitCostPanel(tuple(days), currency, rows, _figure(rows, days, currency))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _queried(query: str, days: Sequence[date]) -> dict[str, dict[date, Decimal]]:
    over = [day for day in days if first_second(day + timedelta(days=1)) * 1000 <= _now_ms()]
    if not over:
        return {}
    ends = [first_second(day + timedelta(days=1)) * 1000 for day in (over[0], over[-1])]
    result = Engine(current(), Options.of(settings.TELEMETRY)).range(query, TimeGrid(ends[0], ends[1], DAY)).value
    found: dict[str, dict[date, Decimal]] = {}
    if isinstance(result, Frame):
        for labels, values, present in zip(result.labels, result.values, result.present, strict=True):
            by_day = found.setdefault(label_value(labels, "service") or "", {})
            for day, value, known in zip(over, values.tolist(), present.tolist(), strict=True):
                if known and np.isfinite(value) and value >= 0:
                    by_day[day] = by_day.get(day, Decimal(0)) + Decimal(repr(value))
    return found


def _row(
    service: str, lines: Sequence[SpendLine], units: Mapping[date, Decimal], days: list[date], with_releases: bool
) -> UnitRow:
    daily = _daily(lines, days)
    last = max(line.day for line in lines)
    counted = [day for day in days if day in units and day <= last]
    costs = {day: Decimal(repr(daily[(day - days[0]).days])) for day in counted}
    cost, done = exact_sum(costs.values()), exact_sum(units[day] for day in counted)
    trend = np.full(len(days), np.nan)
    for day in counted:
        if units[day] > 0:
            trend[(day - days[0]).days] = float(costs[day] / units[day]) * SIZE
    releases = by_release(_versions(service), costs, units, SIZE) if with_releases else []
    return UnitRow(service, cost, done, per_unit(cost, done, SIZE), trend.tolist(), releases)


def _daily(lines: Sequence[SpendLine], days: Sequence[date]) -> list[float]:
    daily: NDArray[np.float64] = np.zeros(len(days))
    for line in lines:
        if line.trend is not None:
            daily = daily + line.trend
    amounts: list[float] = daily.tolist()
    return amounts


def _versions(service: str) -> list[tuple[str, date]]:
    rows = Deployment.objects.filter(service__name=service).order_by("deployed_at", "pk")
    return [(row.version, _whole_day_after(row.deployed_at)) for row in rows]


def _whole_day_after(at: datetime) -> date:
    return (at.astimezone(UTC) + timedelta(days=1, microseconds=-1)).date()


def _figure(rows: Sequence[UnitRow], days: Sequence[date], currency: str) -> Figure | None:
    if not rows:
        return None
    start_ms = first_second(days[0]) * 1000
    grid = TimeGrid(start_ms, start_ms + (len(days) - 1) * DAY, DAY)
    lines = [Line(row.service, row.trend) for row in rows[:DRAWN]]
    return time_series_figure(lines, grid, title=f"Cost per {SIZE:,} units by day", unit=currency)
