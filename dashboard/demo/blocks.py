"""Series with their samples, as they leave a simulation: labels and columns, ready to be encoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.demo.noise import Floats, Times
from telemetry.model.samples import STALE_NAN


@dataclass(frozen=True, slots=True)
class SeriesBlock:
    """One series: `values[n]` at `times_ms[n]`, staleness marker included where it ended."""

    labels: tuple[tuple[str, str], ...]
    """Sorted by name, as remote write prescribes."""
    times_ms: Times
    values: Floats


def block(metric: str, labels: Mapping[str, str], times_ms: Times, values: Floats) -> SeriesBlock:
    """A series that lives through all of `times_ms`."""
    return SeriesBlock(_sorted_labels(metric, labels), times_ms, values)


def mortal_blocks(
    metric: str, labels: Sequence[Mapping[str, str]], times_ms: Times, values: Floats, alive: NDArray[np.bool_],
    was_alive: NDArray[np.bool_],
) -> list[SeriesBlock]:  # fmt: skip
    """Series that come and go: row i of `values[N, T]` where `alive[N, T]`, and a marker at the tick it ended.

    `was_alive[N]` says which were alive at the tick before.
    """
    before = np.concatenate([was_alive[:, None], alive[:, :-1]], axis=1)
    ended = before & ~alive
    marked = np.where(ended, STALE_NAN, values)
    present = alive | ended
    return [
        SeriesBlock(_sorted_labels(metric, labels[row]), times_ms[present[row]], marked[row][present[row]])
        for row in np.flatnonzero(present.any(axis=1)).tolist()
    ]


def _sorted_labels(metric: str, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({"__name__": metric, **labels}.items()))
