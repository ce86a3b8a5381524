"""When CPU or memory of a workload will reach its limit: history, forecast and interval as one figure each."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dashboard.panels.figures import Band, Figure, Line, Threshold, time_series_figure
from dashboard.panels.recorded_workload import Recorded
from dashboard.panels.signal_values import Floats
from dashboard.panels.workloads import Workload
from policies.scaling.exhaustion import COVERAGE, HOURS, Exhaustion, Forecast, exhaustion, forecast
from telemetry.model.time import TimeGrid
from telemetry.store import TelemetryStore

HISTORY_DAYS: Final = 28
AHEAD_HOURS: Final = 14 * HOURS
_HOUR_MS: Final = 3_600_000
_RESOURCES: Final = (("CPU", "cpu", "cpu_limit", "cores"), ("Memory", "memory", "memory_limit", "bytes"))


@dataclass(frozen=True, slots=True)
class Outlook:
    """One resource; without a figure the sentence says what is missing."""

    identity: str
    sentence: str
    figure: Figure | None = None


def outlooks(store: TelemetryStore, service: str, environment: str, end_ms: int) -> list[Outlook]:
    """CPU and memory of the workload, sampled each hour. Raises what the store raises."""
    end_ms -= end_ms % _HOUR_MS
    grid = TimeGrid(end_ms - (HISTORY_DAYS * HOURS - 1) * _HOUR_MS, end_ms, _HOUR_MS)
    recorded = Recorded(store, Workload(service, environment), grid)
    return [_outlook(recorded, *resource) for resource in _RESOURCES]


def _outlook(recorded: Recorded, title: str, used: str, limit: str, unit: str) -> Outlook:
    identity, capacity = f"outlook-{used}", recorded.newest(limit)
    values = recorded.known(used)
    try:
        ahead = forecast(values, AHEAD_HOURS)
    except ValueError as error:
        return Outlook(identity, f"{title}: no forecast, {error}.")
    reached = exhaustion(ahead, capacity) if capacity else None
    figure = _figure(recorded.grid, values, ahead, capacity, title, unit)
    return Outlook(identity, _sentence(title, ahead, reached), figure)


def _sentence(title: str, ahead: Forecast, reached: Exhaustion | None) -> str:
    if reached is None:
        when = "its limit is not known"
    elif reached.expected_hours is not None:
        expected, earliest = _days(reached.expected_hours), _days(reached.earliest_hours)
        when = f"expected to reach its limit in {expected}, at the earliest in {earliest}"
    elif reached.earliest_hours is not None:
        earliest = _days(reached.earliest_hours)
        when = f"not expected to reach its limit in {AHEAD_HOURS // HOURS} days; at the earliest in {earliest}"
    else:
        when = f"not going to reach its limit in {AHEAD_HOURS // HOURS} days"
    return (
        f"{title}: {when}. The same forecast was off by {ahead.median_error_ratio:.1%} (median, a day ahead) on "
        f"{ahead.tested_days} held-out days; the band holds {COVERAGE:.0%} of such errors."
    )


def _days(hours: int | None) -> str:
    return "no time" if hours is None else f"{hours} hours" if hours < 2 * HOURS else f"{hours / HOURS:.0f} days"


def _figure(grid: TimeGrid, values: Floats, ahead: Forecast, capacity: float | None, title: str, unit: str) -> Figure:
    whole = TimeGrid(grid.start_ms, grid.end_ms + AHEAD_HOURS * _HOUR_MS, _HOUR_MS)
    before, after = np.full(len(grid), np.nan), np.full(AHEAD_HOURS, np.nan)

    def joined(future: Floats) -> Floats:
        return np.concatenate([before, np.maximum(future, 0.0)])

    return time_series_figure(
        [
            Line("recorded", np.concatenate([values, after]), role="accent"),
            Line("expected", joined(ahead.expected), role="warn"),
        ],
        whole,
        title=f"{title}, recorded and expected",
        unit=unit,
        thresholds=[Threshold(capacity, "limit", "crit")] if capacity else [],
        bands=[Band(f"{COVERAGE:.0%} interval", joined(ahead.lower), joined(ahead.upper), role="warn")],
    )
