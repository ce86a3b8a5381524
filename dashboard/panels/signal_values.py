"""Reads the golden signals of all services at once: one selection and one grid a function, never one a service."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.panels.golden_signals import (
    ERRORS,
    REQUESTS,
    SIGNALS,
    Combine,
    Signal,
    Source,
    failed,
    status_of,
    subject_of,
)
from dashboard.panels.grid_values import values_on_grid
from dashboard.panels.quantiles import histogram_quantile
from telemetry.model.labels import METRIC_NAME, Labels, Matcher, MatchOp, label_value
from telemetry.model.samples import SeriesSet
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.store import GridFunction, TelemetryStore

Floats = NDArray[np.float64]

WINDOW_MS: Final = 300_000
"""Rates are over five minutes, and a value stays current that long: exporters push at least every minute or two."""


@dataclass(frozen=True, slots=True)
class Row:
    """One series on the grid; `values` is float64[T], NaN where absent."""

    service: str
    labels: Labels
    values: Floats


@dataclass(frozen=True, slots=True)
class Readings:
    """Values by signal name and service, float64[T] on `grid`, and the metric that each came from."""

    grid: TimeGrid
    values: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, signal: str, service: str) -> Floats | None:
        """None if the service has no metric for the signal."""
        return self.values.get(signal, {}).get(service)

    def last(self, signal: str, service: str) -> float | None:
        """Newest number on the grid, None if there is none."""
        values = self.of(signal, service)
        finite = values[np.isfinite(values)] if values is not None else np.empty(0)
        return float(finite[-1]) if len(finite) else None

    @property
    def services(self) -> set[str]:
        return {service for by_service in self.values.values() for service in by_service}


def read_signals(
    store: TelemetryStore,
    grid: TimeGrid,
    *,
    signals: Sequence[Signal] = SIGNALS,
    service: str | None = None,
    window_ms: int = WINDOW_MS,
) -> Readings:
    """Signals of every service, or of one. Raises what the store raises."""
    rows = _rows_by_metric(store, grid, signals, service, max(window_ms, 2 * grid.step_ms if len(grid) > 1 else 0))
    values: dict[str, dict[str, Floats]] = {}
    metrics: dict[str, dict[str, str]] = {}
    for signal in signals:
        values[signal.name], metrics[signal.name] = _signal_values(signal, rows, len(grid))
    if REQUESTS in signals:
        values[ERRORS] = _errors(rows, metrics[REQUESTS.name])
    return Readings(grid, values, metrics)


_Rows = dict[tuple[GridFunction, str], list[Row]]


def _rows_by_metric(
    store: TelemetryStore, grid: TimeGrid, signals: Sequence[Signal], service: str | None, window_ms: int
) -> _Rows:
    found: _Rows = {}
    names: dict[GridFunction, set[str]] = {}
    for source in (source for signal in signals for source in signal.sources):
        names.setdefault(source.function, set()).add(source.metric)
    for function, metrics in names.items():
        for row in _read(store, sorted(metrics), function, grid, window_ms, service):
            found.setdefault((function, label_value(row.labels, METRIC_NAME)), []).append(row)
    return found


def _read(
    store: TelemetryStore,
    metrics: Iterable[str],
    function: GridFunction,
    grid: TimeGrid,
    window_ms: int,
    service: str | None,
) -> list[Row]:
    selectors = [[Matcher(METRIC_NAME, MatchOp.EQUAL, metric)] for metric in metrics]
    series = store.select_series(selectors, TimeRange(grid.start_ms - window_ms, grid.end_ms), limit=None)
    subjects = [subject_of(labels, sender) for labels, sender in zip(series.labels, series.services, strict=True)]
    series = replace(series, services=subjects)
    if service is not None:
        series = rows_where(series, [name == service for name in subjects])
    values = values_on_grid(store, series, function, grid, window_ms)
    return [
        Row(series.services[place], series.labels[place], values[place])
        for place in np.flatnonzero(np.isfinite(values).any(axis=1)).tolist()
    ]


def rows_where(series: SeriesSet, wanted: Sequence[bool]) -> SeriesSet:
    """The rows of `series` for which `wanted` says so, with their ids."""
    keep = np.asarray(wanted, dtype=np.bool_)
    if keep.all():
        return series
    renumbered = np.cumsum(keep) - 1
    ids = keep[series.rows] if len(keep) else np.zeros(0, np.bool_)
    return SeriesSet(
        ids=series.ids[ids],
        labels=[labels for labels, kept in zip(series.labels, wanted, strict=True) if kept],
        services=[name for name, kept in zip(series.services, wanted, strict=True) if kept],
        rows=renumbered[series.rows[ids]],
    )


def _signal_values(signal: Signal, rows: _Rows, steps: int) -> tuple[dict[str, Floats], dict[str, str]]:
    """The first source that a service has, for each service."""
    values: dict[str, Floats] = {}
    metrics: dict[str, str] = {}
    for source in signal.sources:
        for service, members in _by_service(rows.get((source.function, source.metric), ()), source).items():
            if service not in values:
                values[service] = combined(source, members, steps, signal.quantile) * source.scale
                metrics[service] = source.metric
    return values, metrics


def _by_service(rows: Iterable[Row], source: Source) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if source.takes(row.labels):
            groups.setdefault(row.service, []).append(row)
    return groups


def combined(source: Source, rows: Sequence[Row], steps: int, quantile: float = 0.95) -> Floats:
    """One value a time from the series of one service, NaN where none of them has any.

    `quantile` is taken of histograms only.
    """
    if source.combine is Combine.QUANTILE:
        return _quantile(rows, steps, quantile)
    return _COMBINERS[source.combine](rows)


def _stacked(rows: Sequence[Row]) -> tuple[Floats, NDArray[np.bool_]]:
    values = np.vstack([row.values for row in rows])
    present = np.isfinite(values)
    return np.where(present, values, 0.0), present


def _sum(rows: Sequence[Row]) -> Floats:
    values, present = _stacked(rows)
    return np.where(present.any(axis=0), values.sum(axis=0), np.nan)


def _max(rows: Sequence[Row]) -> Floats:
    values, present = _stacked(rows)
    return np.where(present.any(axis=0), np.where(present, values, -np.inf).max(axis=0), np.nan)


def _count(rows: Sequence[Row]) -> Floats:
    present = _stacked(rows)[1]
    return np.where(present.any(axis=0), present.sum(axis=0), np.nan).astype(np.float64)


def _quantile(rows: Sequence[Row], steps: int, quantile: float) -> Floats:
    buckets: dict[float, list[Row]] = {}
    for row in rows:
        if (bound := _bound(row.labels)) is not None:
            buckets.setdefault(bound, []).append(row)
    bounds = sorted(buckets)
    if not bounds:
        return np.full(steps, np.nan)
    cumulative = np.vstack([_sum(buckets[bound]) for bound in bounds])
    return histogram_quantile(quantile, np.array(bounds), np.nan_to_num(cumulative))


def _bound(labels: Labels) -> float | None:
    try:
        return float(label_value(labels, "le"))
    except ValueError:
        return None


_COMBINERS: Final[dict[Combine, Callable[[Sequence[Row]], Floats]]] = {
    Combine.SUM: _sum,
    Combine.MAX: _max,
    Combine.COUNT: _count,
}


def _errors(rows: _Rows, metrics: Mapping[str, str]) -> dict[str, Floats]:
    """Failed requests per second of the services whose counter tells them apart; 0 while none failed."""
    errors: dict[str, Floats] = {}
    for source in REQUESTS.sources:
        for service, members in _by_service(rows.get((source.function, source.metric), ()), source).items():
            if metrics[service] == source.metric and any(status_of(row.labels) for row in members):
                errors[service] = _failed_sum(members)
    return errors


def _failed_sum(rows: Sequence[Row]) -> Floats:
    bad = [row for row in rows if failed(status_of(row.labels) or "")]
    counted = np.isfinite(np.vstack([row.values for row in rows])).any(axis=0)
    return np.where(counted, np.nan_to_num(_sum(bad)) if bad else 0.0, np.nan)
