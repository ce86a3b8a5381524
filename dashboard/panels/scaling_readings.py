"""What is known of every workload's replicas and resources, by the names of kube-state-metrics, cAdvisor and `up`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import numpy as np

from dashboard.panels.golden_signals import CPU, CPU_LIMIT, LAST, MEMORY, MEMORY_LIMIT, REPLICAS, Source
from dashboard.panels.signal_values import WINDOW_MS, Floats
from dashboard.panels.workloads import FoundRows, Workload, by_workload, read_rows
from telemetry.model.time import TimeGrid
from telemetry.store import TelemetryStore

READY: Final = REPLICAS.sources
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

    def of(self, quantity: Mapping[Workload, Floats], workload: Workload) -> Floats:
        values = quantity.get(workload)
        return np.full(len(self.grid), np.nan) if values is None else values

    def count(self, workload: Workload) -> Floats:
        """What was wanted, else what there was: the line whose changes are decisions to scale."""
        desired = self.desired.get(workload)
        return self.of(self.ready, workload) if desired is None else desired


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


def replica_rows(store: TelemetryStore, grid: TimeGrid) -> ReplicaRows:
    """Replica counts of every workload over `grid`."""
    rows = _rows(store, chain(READY, DESIRED, MINIMUM, MAXIMUM), grid)
    steps = len(grid)
    return ReplicaRows(
        grid,
        by_workload(READY, rows, steps),
        by_workload(DESIRED, rows, steps),
        by_workload(MINIMUM, rows, steps),
        by_workload(MAXIMUM, rows, steps),
    )


def _rows(store: TelemetryStore, sources: Iterable[Source], grid: TimeGrid) -> FoundRows:
    return read_rows(store, sources, grid, WINDOW_MS if len(grid) == 1 else max(WINDOW_MS, grid.step_ms))
