"""Series as workloads: which service and environment each belongs to, read in one selection a function."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from dashboard.panels.golden_signals import Source
from dashboard.panels.grid_values import values_on_grid
from dashboard.panels.signal_values import Floats, Row, combined, rows_where
from telemetry.model.labels import METRIC_NAME, Labels, Matcher, MatchOp, label_value
from telemetry.model.samples import SeriesSet
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.store import GridFunction, TelemetryStore

ENVIRONMENT_LABELS: Final = (
    "environment", "env", "deployment_environment", "deployment_environment_name", "namespace", "stage",
)  # fmt: skip
"""Labels that name the environment, best first."""

WORKLOAD_LABELS: Final = ("horizontalpodautoscaler", "deployment", "statefulset", "replicaset", "daemonset")
"""Labels of kube-state-metrics that name what a series is about; its `job` is only the exporter."""


class Workload(NamedTuple):
    """A service in one environment; the environment is '' where nothing names one."""

    service: str
    environment: str


def workload_of(labels: Labels, service: str) -> Workload:
    """Whose series this is. A `service` label was put there on purpose and wins over the name of a workload."""
    environment = _first(labels, ENVIRONMENT_LABELS)
    named = _first(labels, WORKLOAD_LABELS)
    if named and not label_value(labels, "service"):
        return Workload(named, environment)
    return Workload(service, environment)


def _first(labels: Labels, names: Sequence[str]) -> str:
    return next((value for name in names if (value := label_value(labels, name))), "")


FoundRows = dict[tuple[GridFunction, str], list[Row]]
"""Rows by the function that was applied and the metric."""


def read_rows(
    store: TelemetryStore,
    sources: Iterable[Source],
    grid: TimeGrid,
    window_ms: int,
    *,
    without: frozenset[str] = frozenset(),
) -> FoundRows:
    """Every series of the metrics of `sources` with a value on the grid; one selection and one grid a function.

    Series of the services in `without` are left out before their samples are read.
    """
    metrics: dict[GridFunction, set[str]] = {}
    for source in sources:
        metrics.setdefault(source.function, set()).add(source.metric)
    found: FoundRows = {}
    for function, names in metrics.items():
        for row in _read(store, names, function, grid, window_ms, without):
            found.setdefault((function, label_value(row.labels, METRIC_NAME)), []).append(row)
    return found


def _read(
    store: TelemetryStore,
    metrics: Iterable[str],
    function: GridFunction,
    grid: TimeGrid,
    window_ms: int,
    without: frozenset[str],
) -> list[Row]:
    series = series_of(store, metrics, TimeRange(grid.start_ms - window_ms, grid.end_ms))
    if without:
        series = rows_where(series, [service not in without for service in series.services])
    values = values_on_grid(store, series, function, grid, window_ms)
    return [
        Row(series.services[place], series.labels[place], values[place])
        for place in np.flatnonzero(np.isfinite(values).any(axis=1)).tolist()
    ]


def series_of(store: TelemetryStore, metrics: Iterable[str], time_range: TimeRange) -> SeriesSet:
    """Series of any of `metrics`."""
    selectors = [[Matcher(METRIC_NAME, MatchOp.EQUAL, metric)] for metric in sorted(set(metrics))]
    return store.select_series(selectors, time_range)


def by_workload(sources: Sequence[Source], rows: FoundRows, steps: int) -> dict[Workload, Floats]:
    """float64[steps] of each workload, from the first of `sources` that it has."""
    found: dict[Workload, Floats] = {}
    for source in sources:
        for workload, members in _grouped(source, rows.get((source.function, source.metric), ())).items():
            if workload not in found:
                found[workload] = combined(source, members, steps) * source.scale
    return found


def _grouped(source: Source, rows: Iterable[Row]) -> dict[Workload, list[Row]]:
    groups: dict[Workload, list[Row]] = {}
    for row in rows:
        if source.takes(row.labels):
            groups.setdefault(workload_of(row.labels, row.service), []).append(row)
    return groups
