"""The six figures of a service: traffic, errors, latency, CPU, memory, replicas."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.panels import golden_signals as signals
from dashboard.panels.figures import PLAIN, Figure, Line, Mark, Style, Threshold, time_series_figure
from dashboard.panels.health import FAILING, TROUBLED
from dashboard.panels.signal_values import Floats, Readings


@dataclass(frozen=True, slots=True)
class _Values:
    """Signals of one service, float64[T], all NaN for one that no metric shows."""

    readings: Readings
    service: str
    marks: Sequence[Mark]

    def of(self, signal: str) -> Floats:
        found = self.readings.of(signal, self.service)
        return np.full(len(self.readings.grid), np.nan) if found is None else found

    def figure(
        self, title: str, unit: str, lines: Sequence[Line], levels: Sequence[Threshold] = (), style: Style = PLAIN
    ) -> Figure:
        return time_series_figure(
            lines, self.readings.grid, title=title, unit=unit, marks=self.marks, thresholds=levels, style=style
        )


def service_figures(readings: Readings, service: str, marks: Sequence[Mark]) -> list[tuple[str, Figure]]:
    """(id, figure) each; `data` of a figure is empty where no metric shows the signal."""
    values = _Values(readings, service, marks)
    return [
        ("requests", _requests(values)),
        ("errors", _errors(values)),
        ("latency", _latency(values)),
        ("cpu", _used_of_limit(values, signals.CPU, signals.CPU_LIMIT)),
        ("memory", _used_of_limit(values, signals.MEMORY, signals.MEMORY_LIMIT)),
        ("replicas", _replicas(values)),
    ]


def _requests(values: _Values) -> Figure:
    lines = [Line("all", values.of(signals.REQUESTS.name)), Line("failing", values.of(signals.ERRORS), "crit")]
    return values.figure("Requests", "requests_per_second", lines)


def _errors(values: _Values) -> Figure:
    requests, errors = values.of(signals.REQUESTS.name), values.of(signals.ERRORS)
    with np.errstate(divide="ignore", invalid="ignore"):
        error_ratio = np.where(requests > 0, errors / requests, np.nan)
    greatest = float(np.nanmax(error_ratio)) if np.isfinite(error_ratio).any() else 0.0
    limits = (Threshold(TROUBLED, "warning", "warn"), Threshold(FAILING, "critical", "crit"))
    near = [limit for limit in limits if limit.value <= 4 * greatest]
    return values.figure("Failing requests", "ratio", [Line("failing", error_ratio, "crit")], near, Style(kind="area"))


def _latency(values: _Values) -> Figure:
    lines = [
        Line("median", values.of(signals.LATENCY_MEDIAN.name), "series-5"),
        Line("95th percentile", values.of(signals.LATENCY.name), "series-1"),
        Line("99th percentile", values.of(signals.LATENCY_99.name), "series-2"),
    ]
    return values.figure("Latency", "seconds", lines)


def _used_of_limit(values: _Values, used: signals.Signal, limit: signals.Signal) -> Figure:
    lines = [Line("used", values.of(used.name)), Line("limit", values.of(limit.name), "none")]
    return values.figure(used.title, used.unit, lines if np.isfinite(values.of(used.name)).any() else [])


def _replicas(values: _Values) -> Figure:
    lines = [
        Line("wanted", values.of(signals.REPLICAS_WANTED.name), "none"),
        Line("up", values.of(signals.REPLICAS.name), "series-1"),
    ]
    return values.figure("Replicas", "replicas", lines, style=Style(stepped=True))
