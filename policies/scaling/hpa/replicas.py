"""How many replicas one metric asks for (replica_calculator.go).

Quantities are whole thousandths, as in the controller, and so are its integer divisions: 26.9 % counts as 26 %.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from policies.scaling.hpa.pods import Pod, PodGroups, group_pods

DEFAULT_TOLERANCE = 0.1
"""--horizontal-pod-autoscaler-tolerance of the controller."""


@dataclass(frozen=True, slots=True)
class _Assumed:
    """What pods without a measurement are taken to use, in thousandths."""

    below: Mapping[str, int]
    """Where the others are below the target."""
    at: Mapping[str, int] | None
    """Where they are exactly at it; None: still unknown. Above it they are taken to use nothing."""


Ratio = Callable[[Mapping[str, int]], float]


class NoDecision(ValueError):
    """The controller would keep what it has and report this sentence."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a metric may be from its target before anything is done about it."""

    up: float = DEFAULT_TOLERANCE
    down: float = DEFAULT_TOLERANCE

    def accepts(self, ratio: float) -> bool:
        """Whether the ratio of metric and target is near enough to 1."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


def by_utilization(
    current: int,
    pods: Sequence[Pod],
    usage: Mapping[str, int],
    target_percent: int,
    *,
    resource: str,
    tolerance: Tolerance,
) -> int:
    """Replicas for a target share of the request. `usage`: pod -> thousandths. Raises NoDecision."""
    if not usage:
        raise NoDecision(
            f"unable to get metrics for resource {resource}: no metrics returned from resource metrics API"
        )
    groups = group_pods(_some(pods), usage, resource)
    requests = _requests(pods, resource)
    counted = _without(usage, groups.ignored)

    def ratio(values: Mapping[str, int]) -> float:
        return utilization_percent(values, requests) / target_percent

    fallback = {name: requests[name] * max(100, target_percent) // 100 for name in groups.missing}
    return _settle(current, counted, groups, ratio, _Assumed(fallback, None), tolerance)


def utilization_percent(usage: Mapping[str, int], requests: Mapping[str, int]) -> int:
    """Use in whole percent of the requests of the same pods, cut. Raises NoDecision where no pod is known."""
    known = [name for name in usage if name in requests]
    requested = sum(requests[name] for name in known)
    if not requested:
        raise NoDecision("no metrics returned matched known pods")
    return sum(usage[name] for name in known) * 100 // requested


def by_average(
    current: int,
    pods: Sequence[Pod],
    values: Mapping[str, int],
    target_milli: int,
    *,
    resource: str = "",
    tolerance: Tolerance,
) -> int:
    """Replicas for a target average over the pods. `values`: pod -> thousandths. Raises NoDecision."""
    if not values:
        api = "resource" if resource else "custom"
        raise NoDecision(f"unable to get metrics: no metrics returned from {api} metrics API")
    groups = group_pods(_some(pods), values, resource)
    counted = _without(values, groups.ignored)

    def ratio(measured: Mapping[str, int]) -> float:
        return (sum(measured.values()) // len(measured)) / target_milli

    nothing = dict.fromkeys(groups.missing, 0)
    return _settle(
        current, counted, groups, ratio, _Assumed(dict.fromkeys(groups.missing, target_milli), nothing), tolerance
    )


def by_value(current: int, pods: Sequence[Pod], value_milli: int, target_milli: int, *, tolerance: Tolerance) -> int:
    """Replicas for a target of one number that describes all pods together (object and external metrics)."""
    ratio = value_milli / target_milli
    if current == 0:
        return math.ceil(ratio)
    if tolerance.accepts(ratio):
        return current
    return math.ceil(ratio * sum(pod.serves for pod in _some(pods)))


def by_value_per_pod(current: int, value_milli: int, target_milli: int, *, tolerance: Tolerance) -> int:
    """Replicas for a target share of one number for each pod."""
    if current and tolerance.accepts(value_milli / (target_milli * current)):
        return current
    return math.ceil(value_milli / target_milli)


def _settle(
    current: int,
    counted: Mapping[str, int],
    groups: PodGroups,
    ratio: Ratio,
    assumption: _Assumed,
    tolerance: Tolerance,
) -> int:
    if not counted:
        raise NoDecision("did not receive metrics for any ready pods")
    first = ratio(counted)
    growing = first > 1.0 and bool(groups.ignored)
    if not growing and not groups.missing:
        return current if tolerance.accepts(first) else math.ceil(first * groups.ready_count)
    idle = dict.fromkeys(groups.missing, 0)
    missing = assumption.below if first < 1.0 else idle if first > 1.0 else assumption.at
    assumed = {**counted, **(missing or {})}
    if growing:
        assumed |= dict.fromkeys(groups.ignored, 0)
    return _second_look(current, first, ratio(assumed), len(assumed), tolerance)


def _second_look(current: int, first: float, second: float, counted: int, tolerance: Tolerance) -> int:
    """The count after doubtful pods were assumed to speak against the change; never one in the other direction."""
    if tolerance.accepts(second) or (first < 1.0 < second) or (first > 1.0 > second):
        return current
    wanted = math.ceil(second * counted)
    if (second < 1.0 and wanted > current) or (second > 1.0 and wanted < current):
        return current
    return wanted


def _requests(pods: Sequence[Pod], resource: str) -> dict[str, int]:
    requests = {}
    for pod in pods:
        if pod.requests is None or resource not in pod.requests:
            raise NoDecision(f"missing request for {resource} in pod {pod.name}")
        requests[pod.name] = pod.requests[resource]
    return requests


def _some(pods: Sequence[Pod]) -> Sequence[Pod]:
    if not pods:
        raise NoDecision("no pods returned by selector while calculating replica count")
    return pods


def _without(values: Mapping[str, int], names: frozenset[str]) -> dict[str, int]:
    return {name: value for name, value in values.items() if name not in names}
