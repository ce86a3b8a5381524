"""What is known of every workload's replicas and resources, by the names of kube-state-metrics, cAdvisor and `up`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.panels.golden_signals import CPU, CPU_LIMIT, LAST, MEMORY, MEMORY_LIMIT, REPLICAS, Source
from dashboard.panels.signal_values import WINDOW_MS, Floats
from dashboard.panels.workloads import FoundRows, Workload, by_workload, read_rows, series_of, workload_of
from policies.scaling.history import ReplicaHistory, replica_history
from telemetry.model.labels import METRIC_NAME, label_value
from telemetry.model.samples import is_stale
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.store import TelemetryStore

READY: Final = REPLICAS.sources
_READY_BY_CLUSTER: Final = tuple(source for source in READY if source.metric.startswith("kube_"))
_READY_BY_THEMSELVES: Final = tuple(source for source in READY if source not in _READY_BY_CLUSTER)
DESIRED: Final = (
    Source("kube_horizontalpodautoscaler_status_desired_replicas", LAST),
    Source("kube_deployment_spec_replicas", LAST),
    Source("kube_statefulset_replicas", LAST),
)
MINIMUM: Final = (Source("kube_horizontalpodautoscaler_spec_min_replicas", LAST),)
MAXIMUM: Final = (Source("kube_horizontalpodautoscaler_spec_max_replicas", LAST),)
CPU_TARGET: Final = (
    Source(
        "kube_horizontalpodautoscaler_spec_target_metric", LAST, scale=0.01,
        keep=(("metric_name", "cpu"), ("metric_target_type", "utilization")),
    ),
)  # fmt: skip
CPU_REQUEST: Final = (Source("kube_pod_container_resource_requests", LAST, keep=(("resource", "cpu"),)),)

_QUANTITIES: Final[Mapping[str, Sequence[Source]]] = {
    "ready": READY,
    "desired": DESIRED,
    "minimum": MINIMUM,
    "maximum": MAXIMUM,
    "cpu": CPU.sources,
    "cpu_request": CPU_REQUEST,
    "cpu_limit": CPU_LIMIT.sources,
    "cpu_target": CPU_TARGET,
    "memory": MEMORY.sources,
    "memory_limit": MEMORY_LIMIT.sources,
}


@dataclass(frozen=True, slots=True)
class WorkloadNow:
    """Newest values of one workload; None is unknown. Resources are sums over its replicas."""

    ready: float | None = None
    desired: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    cpu: float | None = None
    """Cores in use."""
    cpu_request: float | None = None
    cpu_limit: float | None = None
    cpu_target: float | None = None
    """Target of the autoscaler: average CPU use as a ratio of the request."""
    memory: float | None = None
    memory_limit: float | None = None

    @property
    def replicas(self) -> int | None:
        """Replicas that work now, as far as anything tells."""
        known = self.ready if self.ready is not None else self.desired
        return None if known is None else round(known)


@dataclass(frozen=True, slots=True)
class ReplicaRows:
    """Replica counts over time by workload, float64[T] on `grid`, NaN where unknown."""

    grid: TimeGrid
    ready: Mapping[Workload, Floats] = field(default_factory=dict)
    desired: Mapping[Workload, Floats] = field(default_factory=dict)
    minimum: Mapping[Workload, Floats] = field(default_factory=dict)
    maximum: Mapping[Workload, Floats] = field(default_factory=dict)
    decisions: Mapping[Workload, tuple[NDArray[np.int64], Floats]] = field(default_factory=dict)
    """Every sample of what was wanted, (times_ms, replicas): the grid is too coarse to count flaps."""

    def of(self, quantity: Mapping[Workload, Floats], workload: Workload) -> Floats:
        values = quantity.get(workload)
        return np.full(len(self.grid), np.nan) if values is None else values

    def count(self, workload: Workload) -> Floats:
        """What was wanted, else what there was."""
        desired = self.desired.get(workload)
        return self.of(self.ready, workload) if desired is None else desired

    def history(self, workload: Workload) -> ReplicaHistory:
        """Changes, flaps and time at the maximum over the range."""
        maximum, times = self.of(self.maximum, workload), self.grid.times_ms()
        decided = self.decisions.get(workload)
        if decided is None:
            return replica_history(times, self.count(workload), maximum)
        at = np.searchsorted(times, decided[0]).clip(0, len(times) - 1)
        return replica_history(*decided, maximum[at])


def workloads_at(store: TelemetryStore, at_ms: int) -> dict[Workload, WorkloadNow]:
    """Every workload that has replicas at `at_ms`. Two selections and two grid queries, however many there are."""
    grid = TimeGrid(at_ms, at_ms, 1000)
    rows = _rows(store, chain.from_iterable(_QUANTITIES.values()), grid)
    found: dict[Workload, dict[str, float]] = {}
    for name, sources in _QUANTITIES.items():
        for workload, values in by_workload(sources, rows, 1).items():
            found.setdefault(workload, {})[name] = float(values[0])
    return {
        workload: WorkloadNow(**values)
        for workload, values in _with_homeless(found).items()
        if {"ready", "desired"} & values.keys()
    }


def _with_homeless(found: dict[Workload, dict[str, float]]) -> dict[Workload, dict[str, float]]:
    """Values that name no environment go to the only one that their service has: exporters of the cluster name it,
    the service's own metrics often do not.
    """
    homes: dict[str, list[Workload]] = {}
    for workload in found:
        if workload.environment:
            homes.setdefault(workload.service, []).append(workload)
    joined = dict(found)
    for workload, values in found.items():
        home = homes.get(workload.service, [])
        if not workload.environment and len(home) == 1:
            joined[home[0]] = {**values, **found[home[0]]}
            del joined[workload]
    return joined


def replica_rows(store: TelemetryStore, grid: TimeGrid, *, decisions: bool = True) -> ReplicaRows:
    """Replica counts of every workload over `grid`, and the decisions behind them if wanted."""
    steps = len(grid)
    rows = _rows(store, chain(_READY_BY_CLUSTER, DESIRED, MINIMUM, MAXIMUM), grid)
    ready = by_workload(_READY_BY_CLUSTER, rows, steps)
    seen = frozenset(workload.service for workload in ready)
    own = by_workload(_READY_BY_THEMSELVES, _rows(store, _READY_BY_THEMSELVES, grid, without=seen), steps)
    return ReplicaRows(
        grid,
        {**own, **ready},
        by_workload(DESIRED, rows, steps),
        by_workload(MINIMUM, rows, steps),
        by_workload(MAXIMUM, rows, steps),
        _decisions(store, TimeRange(grid.start_ms, grid.end_ms)) if decisions else {},
    )


def _decisions(store: TelemetryStore, time_range: TimeRange) -> dict[Workload, tuple[NDArray[np.int64], Floats]]:
    """Samples of the first of DESIRED that a workload has, staleness markers left out."""
    series = series_of(store, (source.metric for source in DESIRED), time_range)
    raw = store.read_samples(series, time_range)
    found: dict[Workload, tuple[NDArray[np.int64], Floats]] = {}
    for source in DESIRED:
        for row, labels in enumerate(series.labels):
            workload = workload_of(labels, series.services[row])
            if label_value(labels, METRIC_NAME) == source.metric and workload not in found:
                within = slice(raw.offsets[row], raw.offsets[row + 1])
                times, values = raw.timestamps_ms[within], raw.values[within]
                kept = ~is_stale(values)
                found[workload] = times[kept], values[kept]
    return found


def _rows(
    store: TelemetryStore, sources: Iterable[Source], grid: TimeGrid, *, without: frozenset[str] = frozenset()
) -> FoundRows:
    window_ms = WINDOW_MS if len(grid) == 1 else max(WINDOW_MS, grid.step_ms)
    return read_rows(store, sources, grid, window_ms, without=without)
