"""The replica count that a metric asks for, as the Kubernetes HorizontalPodAutoscaler computes it.

Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

DEFAULT_TOLERANCE: Final = 0.1
"""--horizontal-pod-autoscaler-tolerance of the controller."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """How many replicas a metric asks for, and why in words."""

    replicas: int
    """Within the limits."""
    wanted: int
    """Before the limits were applied."""
    limited_by: Literal["", "minimum", "maximum"]
    formula: str
    reason: str


def recommend_replicas(
    current: int,
    metric: float,
    target: float,
    *,
    minimum: int = 1,
    maximum: int | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
) -> Recommendation:
    """ceil(current * metric / target) within [minimum, maximum]; unchanged while metric / target is within
    `tolerance` of 1.

    `metric` and `target` are averages over the replicas in the same unit. Raises ValueError if target is not
    positive, metric is negative or not finite, current is negative, or minimum is above maximum.
    """
    _check(current, metric, target, minimum, maximum)
    ratio = metric / target
    if 1 - tolerance <= ratio <= 1 + tolerance:
        wanted, formula = current, f"{metric:.3g} / {target:.3g} is within {tolerance:g} of 1: stay at {current}"
    else:
        wanted = math.ceil(current * ratio)
        formula = f"ceil({current} x {metric:.3g} / {target:.3g}) = {wanted}"
    replicas = max(minimum, wanted if maximum is None else min(wanted, maximum))
    limited_by: Literal["", "minimum", "maximum"] = (
        "" if replicas == wanted else "minimum" if replicas > wanted else "maximum"
    )
    return Recommendation(replicas, wanted, limited_by, formula, _reason(current, replicas, ratio, limited_by))


def _check(current: int, metric: float, target: float, minimum: int, maximum: int | None) -> None:
    if not target > 0 or not math.isfinite(target):
        raise ValueError(f"the target must be positive, not {target}")
    if not metric >= 0 or not math.isfinite(metric):
        raise ValueError(f"the metric must be a number that is not negative, not {metric}")
    if current < 0:
        raise ValueError(f"there cannot be {current} replicas")
    if maximum is not None and minimum > maximum:
        raise ValueError(f"the minimum {minimum} is above the maximum {maximum}")


def _reason(current: int, replicas: int, ratio: float, limited_by: str) -> str:
    if current == 0:
        return "scaled to zero: nothing to measure"
    load = f"the load is {ratio:.0%} of its target"
    if limited_by:
        return f"{load}; the {limited_by} of {replicas} replicas holds it"
    if replicas == current:
        return f"{load}: {current} {'replica is' if current == 1 else 'replicas are'} right"
    return f"{load}: {'add' if replicas > current else 'remove'} {abs(replicas - current)}"
