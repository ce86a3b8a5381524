"""Which pods count when a metric is averaged: ready, not yet ready, or without a measurement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Pod:
    """What the controller looks at in a pod."""

    name: str
    ready: bool = True
    initializing: bool = False
    """Started so recently that its CPU use says nothing yet."""
    phase: str = "Running"
    deleted: bool = False
    requests: Mapping[str, int] | None = None
    """Resource -> request in thousandths; None where a container has none."""

    @property
    def serves(self) -> bool:
        """Counts where the controller counts ready pods."""
        return self.phase == "Running" and self.ready


@dataclass(frozen=True, slots=True)
class PodGroups:
    """Pods by what their measurement is worth (groupPods of the controller)."""

    ready_count: int
    ignored: frozenset[str]
    """Pending, or (CPU only) not ready or still starting."""
    missing: frozenset[str]
    """Without a measurement."""


def group_pods(pods: Sequence[Pod], measured: Mapping[str, int], resource: str) -> PodGroups:
    """Sort `pods`; those that failed or are being deleted are in no group.

    Readiness matters for the resource "cpu" only: other metrics of an unready pod are believed.
    """
    alive = [pod for pod in pods if not pod.deleted and pod.phase != "Failed"]
    pending = {pod.name for pod in alive if pod.phase == "Pending"}
    missing = {pod.name for pod in alive if pod.name not in pending and pod.name not in measured}
    present = [pod for pod in alive if pod.name not in pending and pod.name not in missing]
    unready = {pod.name for pod in present if resource == CPU and (pod.initializing or not pod.ready)}
    return PodGroups(len(present) - len(unready), frozenset(pending | unready), frozenset(missing))
