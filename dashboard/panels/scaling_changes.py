"""Why a workload scaled: each recorded change with its metric, formula, limit, and the policy in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboard.panels.recorded_workload import Recorded
from dashboard.panels.time_range import PageRange
from dashboard.panels.workloads import Workload
from fleet.models import ScalingPolicyVersion
from policies.scaling.changes import Change, Evidence, recorded_changes
from telemetry.store import TelemetryStore

POINTS: Final = 3000
MOST_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change, and the stored policy that was in force then, if there is one."""

    change: Change
    policy: ScalingPolicyVersion | None


@dataclass(frozen=True, slots=True)
class ScalingChanges:
    """Changes of one workload in a range, newest first."""

    shown: list[ShownChange]
    count: int
    ready_after_seconds: float | None
    """Median time from a decision to grow until the replicas were ready."""


def scaling_changes(store: TelemetryStore, time_range: PageRange, service: str, environment: str) -> ScalingChanges:
    """Changes of the workload, at most MOST_SHOWN of them shown. Raises what the store raises."""
    recorded = Recorded(store, Workload(service, environment), time_range.grid(POINTS, shortest_ms=15_000))
    evidence = Evidence(
        times_ms=recorded.grid.times_ms(),
        desired=recorded.known("desired"),
        ready=recorded.known("ready"),
        minimum=recorded.known("minimum"),
        maximum=recorded.known("maximum"),
        usage=recorded.known("cpu"),
        request=recorded.known("cpu_request"),
        target_ratio=recorded.known("cpu_target"),
    )
    changes = recorded_changes(evidence)
    versions = _versions(service, environment) if changes else []
    shown = [ShownChange(change, _in_force(versions, change.at_ms)) for change in changes[::-1][:MOST_SHOWN]]
    waits = sorted(change.ready_after_seconds for change in changes if change.ready_after_seconds is not None)
    return ScalingChanges(shown, len(changes), waits[len(waits) // 2] if waits else None)


def _versions(service: str, environment: str) -> list[ScalingPolicyVersion]:
    rows = ScalingPolicyVersion.objects.filter(policy__service__name=service, policy__environment=environment)
    return list(rows.select_related("policy").order_by("-saved_at"))


def _in_force(versions: Sequence[ScalingPolicyVersion], at_ms: int) -> ScalingPolicyVersion | None:
    return next((version for version in versions if version.saved_at.timestamp() * 1000 <= at_ms), None)
