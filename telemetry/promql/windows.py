"""Where windows of time begin and end in columns of samples, for all series and all windows at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.model.histograms import RawHistograms
from telemetry.model.samples import RawColumns
from telemetry.promql.values import Floats, Indices

BLOCK: Final = 1 << 15
"""Windows that are worked on at once: few enough to stay in the processor's cache, many enough to pay for numpy."""


@dataclass(frozen=True, slots=True)
class Windows:
    """W windows over shared columns; window w holds the samples first[w] .. end[w] - 1, ascending in time."""

    timestamps_ms: Indices
    """int64[S]"""
    values: Floats
    """float64[S]"""
    first: Indices
    """int64[W]"""
    end: Indices
    """int64[W]; equal to first where a window is empty."""
    ends_ms: Indices
    """int64[W]: right edge of each window, included."""
    times_ms: Indices
    """int64[W]: evaluation time, which differs from the right edge under offset and @."""
    range_ms: int
    """Length; the left edge, ends_ms - range_ms, is not included."""

    @property
    def counts(self) -> Indices:
        """int64[W]: samples in each window."""
        return self.end - self.first

    def take(self, chosen: Indices) -> "Windows":
        """Some of the windows, over the same columns."""
        return Windows(
            self.timestamps_ms,
            self.values,
            self.first[chosen],
            self.end[chosen],
            self.ends_ms[chosen],
            self.times_ms[chosen],
            self.range_ms,
        )


def samples_until(columns: RawColumns | RawHistograms, edges_ms: Indices) -> Indices:
    """Index one past the last sample with timestamp <= edge, for each series and edge: int64[N, T].

    `edges_ms` must ascend by a constant step. Linear in samples + N * T.
    """
    series, times = len(columns.offsets) - 1, len(edges_ms)
    timestamps = columns.timestamps_ms
    step = int(edges_ms[1] - edges_ms[0]) if times > 1 else 1
    if step == 0:
        return np.repeat(samples_until(columns, edges_ms[:1]), times, axis=1)
    passed = np.clip(-((edges_ms[0] - timestamps) // step), 0, times)  # first edge at or after each sample
    counts = np.diff(columns.offsets)
    slots = np.repeat(np.arange(series, dtype=np.int64) * (times + 1), counts) + passed
    histogram = np.bincount(slots, minlength=series * (times + 1)).reshape(series, times + 1)
    until: Indices = np.cumsum(histogram[:, :times], axis=1, dtype=np.int64)
    until += columns.offsets[:-1, None]
    return until


def windows_of(columns: RawColumns, ends_ms: Indices, times_ms: Indices, range_ms: int) -> Windows:
    """All windows (end - range, end] of all series, series by series: W = N * T."""
    end = samples_until(columns, ends_ms)
    first = samples_until(columns, ends_ms - range_ms)
    series = len(columns.offsets) - 1
    return Windows(
        columns.timestamps_ms,
        columns.values,
        first.reshape(-1),
        end.reshape(-1),
        np.tile(ends_ms, series),
        np.tile(times_ms, series),
        range_ms,
    )


def blocks(total: int, width: int) -> Iterator[slice]:
    """Rows 0 .. total - 1 in slices of about BLOCK / width rows."""
    rows = max(1, BLOCK // max(width, 1))
    for start in range(0, total, rows):
        yield slice(start, min(start + rows, total))


def rows_of(columns: RawColumns, rows: slice) -> RawColumns:
    """The samples of some neighbouring series."""
    offsets = columns.offsets[rows.start : rows.stop + 1]
    span = slice(int(offsets[0]), int(offsets[-1]))
    return RawColumns(offsets - offsets[0], columns.timestamps_ms[span], columns.values[span])


class Rounds:
    """Windows longest first, so that the n-th samples of all windows can be taken side by side.

    A sum that must be taken in order is thus taken for all windows at once: state kept in this order has, in every
    round, the windows that go on as its first `number` entries.
    """

    def __init__(self, windows: Windows) -> None:
        counts = windows.counts
        self.order: Indices = np.argsort(-counts, kind="stable")
        """int64[W]: window of each entry of the state."""
        self.counts: Indices = counts[self.order]
        self._first = windows.first[self.order]

    def __iter__(self) -> Iterator[tuple[int, int, Indices]]:
        """(round counted from 0, number of windows that have such a sample, those samples)."""
        longest = int(self.counts[0]) if len(self.counts) else 0
        going_on = np.searchsorted(-self.counts, -np.arange(1, longest + 1), side="right")
        for turn, number in enumerate(going_on.tolist()):
            yield turn, number, self._first[:number] + turn

    def restore(self, state: Floats) -> Floats:
        """float64[W]: state in the order of the windows again."""
        restored = np.empty_like(state)
        restored[self.order] = state
        return restored
