"""Changes of a replica count that were recorded, and what the autoscaler's formula says of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from policies.scaling.recommendation import Recommendation, recommend_replicas

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was recorded at each step, float64[T], NaN where unknown. `usage` and `request` are of all replicas."""

    times_ms: NDArray[np.int64]
    desired: Floats
    ready: Floats
    minimum: Floats
    maximum: Floats
    usage: Floats
    request: Floats
    target_ratio: Floats


@dataclass(frozen=True, slots=True)
class Change:
    """One change; None is unknown."""

    at_ms: int
    before: int
    after: int
    ready_after_seconds: float | None
    """Until so many were ready; None for a removal, and where it never came before the next change."""
    utilization_ratio: float | None
    target_ratio: float | None
    recommendation: Recommendation | None
    limit: str
    """"minimum" or "maximum" where the new count is that limit."""

    @property
    def explanation(self) -> str:
        """Why, in words."""
        if self.recommendation is None:
            return "the metric, its target or the limits were not recorded then"
        wanted = self.recommendation.replicas
        if wanted == self.after:
            return self.recommendation.formula
        if self.after < self.before and wanted < self.after:
            return f"{self.recommendation.formula}; the stabilisation window still holds {self.after}"
        others = "a person, another metric or a rate limit"
        return f"{self.recommendation.formula}, which does not explain {self.after}: {others}"


def recorded_changes(evidence: Evidence) -> list[Change]:
    """Every change, oldest first. Steps without a count are skipped."""
    known = np.flatnonzero(np.isfinite(evidence.desired))
    counts = evidence.desired[known].round().astype(np.int64)
    places = np.flatnonzero(np.diff(counts)) + 1
    ends = [*known[places[1:]].tolist(), len(evidence.desired)]
    return [
        _change(evidence, int(known[place]), int(counts[place - 1]), int(counts[place]), end)
        for place, end in zip(places.tolist(), ends, strict=True)
    ]


def _change(evidence: Evidence, at: int, before: int, after: int, end: int) -> Change:
    utilization, target = _utilization(evidence, at, before), _number(evidence.target_ratio[at])
    minimum, maximum = _number(evidence.minimum[at]), _number(evidence.maximum[at])
    return Change(
        at_ms=int(evidence.times_ms[at]),
        before=before,
        after=after,
        ready_after_seconds=_ready_after(evidence, at, after, end) if after > before else None,
        utilization_ratio=utilization,
        target_ratio=target,
        recommendation=_recommended(before, utilization, target, minimum, maximum),
        limit="maximum" if after == maximum else "minimum" if after == minimum else "",
    )


def _utilization(evidence: Evidence, at: int, before: int) -> float | None:
    """CPU use of what the replicas before the change requested: the autoscaler's metric when it decided."""
    usage = _number(evidence.usage[at])
    earlier = max(at - 1, 0)
    requested, counted = _number(evidence.request[earlier]), _number(evidence.desired[earlier])
    if usage is None or not requested or not counted or not before:
        return None
    return usage / (requested / counted * before)


def _recommended(
    before: int, utilization: float | None, target: float | None, minimum: float | None, maximum: float | None
) -> Recommendation | None:
    if utilization is None or not target or maximum is None or (minimum or 1) > maximum:
        return None
    return recommend_replicas(before, utilization, target, minimum=round(minimum or 1), maximum=round(maximum))


def _ready_after(evidence: Evidence, at: int, after: int, end: int) -> float | None:
    reached = np.flatnonzero(evidence.ready[at:end] >= after)
    if not reached.size:
        return None
    return float(evidence.times_ms[at + int(reached[0])] - evidence.times_ms[at]) / 1000


def _number(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
