"""From what the metrics ask for to what is done: stabilisation, rates and limits (horizontal.go)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from policies.scaling.hpa.document import RatePolicy, Rules

DEFAULT_DOWNSCALE_STABILIZATION_SECONDS = 300
"""--horizontal-pod-autoscaler-downscale-stabilization of the controller."""


@dataclass(slots=True)
class Memory:
    """What the controller remembers of one autoscaler. Times are seconds on any clock."""

    recommendations: list[tuple[float, int]] = field(default_factory=list)
    changes: list[tuple[float, int]] = field(default_factory=list)
    """(time, replicas added; negative: removed)."""

    def remember(self, now: float, wanted: int) -> None:
        self.recommendations.append((now, wanted))
        self.recommendations = [one for one in self.recommendations if one[0] >= now - 3600]

    def changed(self, now: float, before: int, after: int) -> None:
        self.changes.append((now, after - before))
        self.changes = [one for one in self.changes if one[0] > now - 1800]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The replica count to set, and what held it back."""

    replicas: int
    stabilized: bool
    limited_by: str
    """"", "minimum", "maximum" or "rate"."""


def normalize(
    current: int,
    wanted: int,
    minimum: int,
    maximum: int,
    up: Rules | None,
    down: Rules | None,
    memory: Memory,
    now: float,
) -> Outcome:
    """The count to set at `now` where the metrics ask for `wanted`; `memory` takes note of the wish."""
    if up is None or down is None:
        outcome = _plain(current, wanted, minimum, maximum, memory, now)
    else:
        outcome = _with_behavior(current, wanted, minimum, maximum, up, down, memory, now)
    memory.remember(now, wanted)
    return outcome


def _plain(current: int, wanted: int, minimum: int, maximum: int, memory: Memory, now: float) -> Outcome:
    cutoff = now - DEFAULT_DOWNSCALE_STABILIZATION_SECONDS
    stable = max([wanted, *(count for at, count in memory.recommendations if at >= cutoff)])
    rate = max(2 * current, 4)
    ceiling = min(maximum, rate)
    if stable < minimum:
        return Outcome(minimum, stable != wanted, "minimum")
    if stable > ceiling:
        return Outcome(ceiling, stable != wanted, "rate" if maximum > rate else "maximum")
    return Outcome(stable, stable != wanted, "")


def _with_behavior(
    current: int, wanted: int, minimum: int, maximum: int, up: Rules, down: Rules, memory: Memory, now: float
) -> Outcome:
    stable = _stabilized(current, wanted, up, down, memory, now)
    replicas, limited_by = stable, ""
    if stable > current:
        limit = max(current, up_limit(current, up, memory.changes, now))
        ceiling = min(maximum, limit)
        if stable > ceiling:
            replicas, limited_by = ceiling, "rate" if maximum > limit else "maximum"
    elif stable < current:
        limit = min(current, down_limit(current, down, memory.changes, now))
        floor = max(minimum, limit)
        if stable < floor:
            replicas, limited_by = floor, "rate" if minimum < limit else "minimum"
    return Outcome(replicas, stable != wanted, limited_by)


def _stabilized(current: int, wanted: int, up: Rules, down: Rules, memory: Memory, now: float) -> int:
    since_up, since_down = now - up.stabilization_seconds, now - down.stabilization_seconds
    lowest = min([wanted, *(count for at, count in memory.recommendations if at > since_up)])
    highest = max([wanted, *(count for at, count in memory.recommendations if at > since_down)])
    return min(max(current, lowest), highest)


def up_limit(current: int, rules: Rules, changes: Sequence[tuple[float, int]], now: float) -> int:
    """Most replicas that the rates allow at `now`."""
    if rules.select == "Disabled":
        return current
    proposals = [_raised(_at_start(current, policy, changes, now), policy) for policy in rules.policies]
    return min(proposals) if rules.select == "Min" else max(proposals)


def down_limit(current: int, rules: Rules, changes: Sequence[tuple[float, int]], now: float) -> int:
    """Fewest replicas that the rates allow at `now`."""
    if rules.select == "Disabled":
        return current
    proposals = [_lowered(_at_start(current, policy, changes, now), policy) for policy in rules.policies]
    return max(proposals) if rules.select == "Min" else min(proposals)


def _at_start(current: int, policy: RatePolicy, changes: Sequence[tuple[float, int]], now: float) -> int:
    return current - sum(change for at, change in changes if at > now - policy.period_seconds)


def _raised(replicas: int, policy: RatePolicy) -> int:
    return replicas + policy.value if policy.type == "Pods" else math.ceil(replicas * (1 + policy.value / 100))


def _lowered(replicas: int, policy: RatePolicy) -> int:
    return replicas - policy.value if policy.type == "Pods" else int(replicas * (1 - policy.value / 100))
