"""The scaling page: is there enough, is there too much, and what would the autoscaler's formula say."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final, Literal

import numpy as np

from dashboard.panels.figures import Figure, Line, Mark, Style, time_series_figure
from dashboard.panels.scaling_readings import ReplicaRows, WorkloadNow, replica_rows, workloads_at
from dashboard.panels.signal_values import Floats
from dashboard.panels.time_range import PageRange
from dashboard.panels.workloads import Workload
from fleet.models import Deployment, Service
from fleet.selectors.services import services
from policies.scaling.headroom import headroom_ratio, saturation_ratio
from policies.scaling.history import ReplicaHistory
from policies.scaling.recommendation import Recommendation, recommend_replicas
from telemetry.model.errors import TelemetryError
from telemetry.store import current

Fleet = Literal["", "real", "simulated"]
State = Literal["held", "more", "fewer", "right", "unknown"]
"""What the recommendation asks for; "held" wants more than the maximum allows."""

ASSUMED_TARGET: Final = 0.7
"""CPU use per request that is aimed at where no autoscaler says one."""
TREND_POINTS: Final = 48
FIGURE_POINTS: Final = 300
FIGURE_SERVICES: Final = 7

_ORDER: Final[tuple[State, ...]] = ("held", "more", "fewer", "right", "unknown")


@dataclass(frozen=True, slots=True)
class ScalingRow:
    """One service in one environment at the end of the range; None is unknown, ratios are 0 to 1."""

    service: str
    environment: str
    team: str
    known: bool
    """Whether there is a service page of this name."""
    simulated: bool
    now: WorkloadNow
    cpu_saturation_ratio: float | None
    """CPU in use of its limit; the limit of the host where a process has none of its own."""
    memory_saturation_ratio: float | None
    headroom_ratio: float | None
    """Free share of the fullest resource."""
    utilization_ratio: float | None
    """CPU in use of what was requested (or of the limit): the autoscaler's metric."""
    target_ratio: float
    target_is_assumed: bool
    recommendation: Recommendation | None
    why_none: str
    """Why there is no recommendation."""
    history: ReplicaHistory
    trend: list[float]
    """Replicas over the range, NaN where unknown."""

    @property
    def state(self) -> State:
        if self.recommendation is None or self.now.replicas is None:
            return "unknown"
        if self.recommendation.limited_by == "maximum":
            return "held"
        difference = self.recommendation.replicas - self.now.replicas
        return "more" if difference > 0 else "fewer" if difference < 0 else "right"

    @property
    def is_at_maximum(self) -> bool:
        wanted = self.now.desired
        return wanted is not None and self.now.maximum is not None and wanted >= self.now.maximum


@dataclass(frozen=True, slots=True)
class ScalingTotals:
    """Sums over the shown rows."""

    workloads: int = 0
    replicas: int = 0
    recommended: int | None = None
    """Replicas if every recommendation were followed; workloads without one stay as they are."""
    at_maximum: int = 0
    want_more: int = 0
    want_fewer: int = 0
    flaps: int = 0


@dataclass(frozen=True, slots=True)
class ScalingPanel:
    """Everything the scaling page shows; `error` says why telemetry could not be read."""

    rows: list[ScalingRow] = field(default_factory=list)
    totals: ScalingTotals = field(default_factory=ScalingTotals)
    figure: Figure | None = None
    """Replicas of the whole fleet over time."""
    error: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.rows


def scaling_panel(
    time_range: PageRange, *, fleet: Fleet = "", service: str | None = None, now_ms: int | None = None
) -> ScalingPanel:
    """Replicas of every service and environment, the ones that want more first; `service` keeps one."""
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    known = {one.name: one for one in services()}
    try:
        store = current()
        latest = workloads_at(store, min(now, time_range.end_ms))
        rows = replica_rows(store, time_range.grid(FIGURE_POINTS, shortest_ms=60_000))
    except TelemetryError as error:
        return ScalingPanel(error=str(error))
    shown = [
        _row(workload, values, rows, known)
        for workload, values in latest.items()
        if _wanted(workload, known, fleet, service)
    ]
    shown.sort(key=_most_urgent_first)
    return ScalingPanel(shown, _totals(shown), _fleet_figure(rows, shown))


def replicas_figure(time_range: PageRange, service: str, environment: str) -> Figure:
    """Ready and desired replicas of one workload between its limits, with its deployments.

    Raises what the store raises.
    """
    rows = replica_rows(current(), time_range.grid(FIGURE_POINTS, shortest_ms=60_000), decisions=False)
    workload = Workload(service, environment)
    lines = [
        Line("Ready", rows.of(rows.ready, workload), role="accent"),
        Line("Desired", rows.of(rows.desired, workload)),
        Line("Maximum", rows.of(rows.maximum, workload), role="warn"),
        Line("Minimum", rows.of(rows.minimum, workload), role="none"),
    ]
    title = f"Replicas of {service}" + (f" in {environment}" if environment else "")
    return time_series_figure(
        lines, rows.grid, title=title, unit="replicas", marks=_deployments(time_range, service, environment)
    )  # fmt: skip


def _wanted(workload: Workload, known: Mapping[str, Service], fleet: Fleet, service: str | None) -> bool:
    simulated = workload.service in known and known[workload.service].is_simulated
    return {"real": not simulated, "simulated": simulated}.get(fleet, True) and service in (None, workload.service)


def _row(workload: Workload, now: WorkloadNow, rows: ReplicaRows, known: Mapping[str, Service]) -> ScalingRow:
    service = known.get(workload.service)
    cpu, memory = _saturation(now.cpu, now.cpu_limit), _saturation(now.memory, now.memory_limit)
    utilization = _saturation(now.cpu, now.cpu_request or now.cpu_limit)
    target = now.cpu_target or ASSUMED_TARGET
    recommendation, why_none = _recommendation(now, utilization, target)
    count = rows.count(workload)
    return ScalingRow(
        service=workload.service,
        environment=workload.environment,
        team=service.team.name if service and service.team else "",
        known=service is not None,
        simulated=service is not None and service.is_simulated,
        now=now,
        cpu_saturation_ratio=cpu,
        memory_saturation_ratio=memory,
        headroom_ratio=_headroom(now),
        utilization_ratio=utilization,
        target_ratio=target,
        target_is_assumed=now.cpu_target is None,
        recommendation=recommendation,
        why_none=why_none,
        history=rows.history(workload),
        trend=_thinned(count, TREND_POINTS),
    )


def _saturation(used: float | None, capacity: float | None) -> float | None:
    return saturation_ratio(used, capacity) if used is not None and capacity else None


def _headroom(now: WorkloadNow) -> float | None:
    pairs = ((now.cpu, now.cpu_limit), (now.memory, now.memory_limit))
    return min((headroom_ratio(used, limit) for used, limit in pairs if used is not None and limit), default=None)


def _recommendation(
    now: WorkloadNow, utilization: float | None, target: float
) -> tuple[Recommendation | None, str]:  # fmt: skip
    if now.replicas is None:
        return None, "the number of replicas is not known"
    if now.cpu is None:
        return None, "no CPU use is reported"
    if utilization is None:
        return None, "neither a CPU request nor a limit is known"
    minimum, maximum = _whole(now.minimum), _whole(now.maximum)
    if maximum is not None and (minimum or 1) > maximum:
        return None, f"the minimum {minimum} is above the maximum {maximum}"
    return recommend_replicas(now.replicas, utilization, target, minimum=minimum or 1, maximum=maximum), ""


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _thinned(values: Floats, points: int) -> list[float]:
    """At most `points` of `values`, evenly, the last among them."""
    stride = max(1, -(-len(values) // points))
    thinned: list[float] = values[::-1][::stride][::-1].tolist()
    return thinned


def _most_urgent_first(row: ScalingRow) -> tuple[int, float, str, str]:
    fullness = 1 - row.headroom_ratio if row.headroom_ratio is not None else 0.0
    return (_ORDER.index(row.state), -fullness, row.service, row.environment)


def _totals(rows: Sequence[ScalingRow]) -> ScalingTotals:
    recommended = [
        row.recommendation.replicas if row.recommendation else row.now.replicas or 0 for row in rows
    ]  # fmt: skip
    return ScalingTotals(
        workloads=len(rows),
        replicas=sum(row.now.replicas or 0 for row in rows),
        recommended=sum(recommended) if any(row.recommendation for row in rows) else None,
        at_maximum=sum(row.is_at_maximum for row in rows),
        want_more=sum(row.state in ("held", "more") for row in rows),
        want_fewer=sum(row.state == "fewer" for row in rows),
        flaps=sum(row.history.flaps for row in rows),
    )


def _fleet_figure(rows: ReplicaRows, shown: Sequence[ScalingRow]) -> Figure:
    """Stacked replicas by service, the largest with a colour of their own."""
    by_service: dict[str, Floats] = {}
    for row in shown:
        count = rows.count(Workload(row.service, row.environment))
        by_service[row.service] = _added(by_service.get(row.service), count)
    ranked = sorted(by_service, key=lambda name: (-float(np.nansum(by_service[name])), name))
    lines = [Line(name, by_service[name]) for name in ranked[:FIGURE_SERVICES]]
    if others := ranked[FIGURE_SERVICES:]:
        lines.append(Line(f"{len(others)} others", reduce(_added, [by_service[name] for name in others]), role="none"))
    return time_series_figure(
        lines, rows.grid, title="Replicas", unit="replicas", style=Style(kind="area", stacked=True)
    )


def _added(first: Floats | None, second: Floats) -> Floats:
    """Sum of two rows of counts; a time that neither knows stays unknown."""
    if first is None:
        return second
    both_unknown = np.isnan(first) & np.isnan(second)
    summed: Floats = np.where(both_unknown, np.nan, np.nan_to_num(first) + np.nan_to_num(second))
    return summed


def _deployments(time_range: PageRange, service: str, environment: str) -> Iterable[Mark]:
    rows = Deployment.objects.filter(
        service__name=service, deployed_at__gte=time_range.start, deployed_at__lte=time_range.end
    ).select_related("environment")
    for row in rows:
        if environment in ("", row.environment.name):
            yield Mark(int(row.deployed_at.timestamp() * 1000), f"{row.version} deployed to {row.environment.name}")
