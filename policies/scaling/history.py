"""What replica counts did over time: changes, flaps, time at the maximum."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FLAP_WINDOW_MS: Final = 15 * 60 * 1000
"""Two changes in opposite directions within this time are a flap."""


@dataclass(frozen=True, slots=True)
class ReplicaHistory:
    """What a row of replica counts did over a range."""

    changes: int
    flaps: int
    at_maximum_ratio: float | None
    """Share of the time, where a maximum is known, that the count stood at it; None if it never is."""
    times_at_maximum: int
    """How often the count arrived at the maximum."""


def replica_history(
    times_ms: NDArray[np.int64], replicas: NDArray[np.float64], maximum: NDArray[np.float64]
) -> ReplicaHistory:
    """History of `replicas[T]` against `maximum[T]`; NaN means absent and is skipped."""
    known = ~np.isnan(replicas)
    limited = known & ~np.isnan(maximum)
    at_maximum = replicas[limited] >= maximum[limited]
    return ReplicaHistory(
        changes=int(np.count_nonzero(np.diff(replicas[known]))),
        flaps=count_flaps(times_ms[known], replicas[known]),
        at_maximum_ratio=float(at_maximum.mean()) if at_maximum.size else None,
        times_at_maximum=_arrivals(at_maximum),
    )


def count_flaps(times_ms: NDArray[np.int64], replicas: NDArray[np.float64], window_ms: int = FLAP_WINDOW_MS) -> int:
    """Changes that turn back the one before them within `window_ms`. No value may be NaN."""
    steps = np.diff(replicas)
    changed = np.nonzero(steps)[0]
    directions, at = np.sign(steps[changed]), times_ms[changed + 1]
    turned = directions[1:] != directions[:-1]
    return int(np.count_nonzero(turned & (np.diff(at) <= window_ms)))


def _arrivals(at_maximum: NDArray[np.bool_]) -> int:
    started = np.diff(at_maximum.astype(np.int8), prepend=0)
    return int(np.count_nonzero(started == 1))
