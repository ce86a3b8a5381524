"""min and max over time and when they were, by a table of extremes over runs of 2, 4, 8, ... samples.

Each window is the union of two such runs, so the work is samples x log2(longest window) + windows.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from telemetry.promql.values import Floats, Indices, Mask
from telemetry.promql.windows import Windows

Column = TypeVar("Column", Floats, Indices)


def _over_windows(windows: Windows, column: Column, choose: Callable[[Column, Column], Column]) -> tuple[Column, Mask]:
    """`choose` (associative, idempotent, its first argument the earlier one) over each window of `column`."""
    counts = windows.counts
    present = counts > 0
    found = np.zeros(len(counts), dtype=column.dtype)
    level: NDArray[np.int64] = np.frexp(np.maximum(counts, 1))[1].astype(np.int64) - 1  # floor(log2(count))
    for height in range(int(level.max(initial=0)) + 1):
        width = 1 << height
        rows = np.flatnonzero(present & (level == height))
        found[rows] = choose(column[windows.first[rows]], column[windows.end[rows] - width])
        column = choose(column[:-width], column[width:]) if len(column) > width else column
    return found, present


def max_over_time(windows: Windows) -> tuple[Floats, Mask]:
    """NaN only where all samples are."""
    return _over_windows(windows, windows.values, np.fmax)


def min_over_time(windows: Windows) -> tuple[Floats, Mask]:
    return _over_windows(windows, windows.values, np.fmin)


def _time_of(windows: Windows, *, largest: bool) -> tuple[Floats, Mask]:
    """Time in seconds of the last sample that has the extreme value."""
    values = windows.values

    def later_if_as_extreme(earlier: Indices, later: Indices) -> Indices:
        before, after = values[earlier], values[later]
        as_extreme = after >= before if largest else after <= before
        return np.where(as_extreme | np.isnan(before), later, earlier)

    index, present = _over_windows(windows, np.arange(len(values)), later_if_as_extreme)
    times = np.full(len(present), np.nan)
    times[present] = windows.timestamps_ms[index[present]] / 1000
    return times, present


ts_of_max_over_time = partial(_time_of, largest=True)
ts_of_min_over_time = partial(_time_of, largest=False)
