"""Windows over a sample matrix: where they begin and end is found once a timeline, not once a series."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.model.sample_matrix import SampleMatrix
from telemetry.model.samples import RawColumns, is_stale
from telemetry.promql.kernels import rates
from telemetry.promql.values import Floats, Indices, Mask
from telemetry.promql.windows import BLOCK, Windows, samples_until

EXTRAPOLATED: Final = {"rate": (True, True), "increase": (True, False), "delta": (False, False)}
"""Functions with a kernel of their own: (whether of counters, whether per second)."""


def columns_until(matrix: SampleMatrix, edges_ms: Indices) -> Indices:
    """int64[G, T]: column one past the last sample with timestamp <= edge, for each timeline and edge."""
    inside = matrix.inside()
    offsets = np.concatenate([[0], np.cumsum(matrix.end - matrix.first)])
    times = matrix.times_ms[inside]
    until = samples_until(RawColumns(offsets, times, np.empty(0)), edges_ms)
    found: Indices = until - offsets[:-1, None] + matrix.first[:, None]
    return found


@dataclass(frozen=True, slots=True)
class MatrixWindows:
    """The windows (end - range, end] of all series of a matrix."""

    matrix: SampleMatrix
    first: Indices
    """int64[G, T]: column of the first sample of each window."""
    end: Indices
    """int64[G, T]: column after its last sample."""
    ends_ms: Indices
    times_ms: Indices
    range_ms: int

    @classmethod
    def of(cls, matrix: SampleMatrix, ends_ms: Indices, times_ms: Indices, range_ms: int) -> "MatrixWindows":
        first, end = columns_until(matrix, ends_ms - range_ms), columns_until(matrix, ends_ms)
        return cls(matrix, first, end, ends_ms, times_ms, range_ms)

    def flat(self, rows: Indices) -> Windows:
        """The windows of some rows, for kernels that know nothing of matrices."""
        part, width = self.matrix.take(rows), self.matrix.values.shape[1]
        base = (np.arange(len(rows)) * width)[:, None]
        return Windows(
            part.times_ms[part.timelines].reshape(-1),
            part.values.reshape(-1),
            (self.first[part.timelines] + base).reshape(-1),
            (self.end[part.timelines] + base).reshape(-1),
            np.tile(self.ends_ms, len(rows)),
            np.tile(self.times_ms, len(rows)),
            self.range_ms,
        )

    def extrapolated(self, name: str, check: Callable[[], None]) -> tuple[Floats, Mask]:
        """(float64[N, T], bool[N, T]) of rate, increase or delta: to the last bit what `rates.extrapolated` gives."""
        counter, per_second = EXTRAPOLATED[name]
        frame = _Frame.of(self)
        number, times = len(self.matrix.timelines), len(self.ends_ms)
        values = np.empty((number, times))
        present = (self.end - self.first >= 2)[self.matrix.timelines]
        size = max(1, BLOCK // max(times, self.matrix.values.shape[1], 1))
        for start in range(0, number, size):
            rows = slice(start, start + size)
            values[rows] = self._change(frame, rows, counter=counter, per_second=per_second)
            check()
        if counter:
            self._redo_resets(name, values, present)
        values[~present] = np.nan
        return values, present

    def _change(self, frame: "_Frame", rows: slice, *, counter: bool, per_second: bool) -> Floats:
        samples, timelines = self.matrix.values[rows], self.matrix.timelines[rows]
        before = np.take_along_axis(samples, frame.first[timelines], axis=1)
        change = np.take_along_axis(samples, frame.last[timelines], axis=1)
        change -= before
        factor = frame.factor(timelines, before if counter else None, change)
        if per_second:
            factor /= self.range_ms / 1000
        change *= factor
        return change

    def _redo_resets(self, name: str, values: Floats, present: Mask) -> None:
        """Rows with a counter that was reset, by the kernel that undoes that."""
        samples = self.matrix.values
        rows = np.flatnonzero((samples[:, 1:] < samples[:, :-1]).any(axis=1))
        kernel = rates.rate if name == "rate" else rates.increase
        size = max(1, BLOCK // max(values.shape[1], 1))
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            found, shown = kernel(self.flat(some))
            values[some] = found.reshape(len(some), -1)
            present[some] = shown.reshape(len(some), -1)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What extrapolation needs of the times: [G, T] each, in seconds."""

    first: Indices
    last: Indices
    sampled: Floats
    to_start: Floats
    to_end: Floats

    @classmethod
    def of(cls, windows: MatrixWindows) -> "_Frame":
        width = max(windows.matrix.values.shape[1] - 1, 0)
        first, last = np.minimum(windows.first, width), np.minimum(np.maximum(windows.end - 1, 0), width)
        first_ms = np.take_along_axis(windows.matrix.times_ms, first, axis=1)
        last_ms = np.take_along_axis(windows.matrix.times_ms, last, axis=1)
        to_start = (first_ms - (windows.ends_ms - windows.range_ms)) / 1000
        to_end = (windows.ends_ms - last_ms) / 1000
        sampled = (last_ms - first_ms) / 1000
        between = sampled / (windows.end - windows.first - 1)
        threshold = between * 1.1
        to_start = np.where(to_start >= threshold, between / 2, to_start)
        to_end = np.where(to_end >= threshold, between / 2, to_end)
        return cls(first, last, sampled, to_start, to_end)

    def factor(self, timelines: Indices, counted: Floats | None, change: Floats) -> Floats:
        """Length of time that the change is taken to cover, over the time between the samples."""
        sampled, to_start = self.sampled[timelines], self.to_start[timelines]
        if counted is not None:
            rising = (change > 0) & (counted >= 0)
            to_zero = sampled * (counted / np.where(rising, change, 1.0))
            to_start = np.where(rising & (to_zero < to_start), to_zero, to_start)
        covered: Floats = (sampled + to_start + self.to_end[timelines]) / sampled
        return covered


def newest(matrix: SampleMatrix, times_ms: Indices, lookback_ms: int, *, of_times: bool) -> tuple[Floats, Mask]:
    """(float64[N, T], bool[N, T]): newest samples within the lookback or their times, none after a staleness marker."""
    at = columns_until(matrix, times_ms) - 1
    shown = at >= matrix.first[:, None]
    at = np.maximum(at, 0)
    sample_ms = np.take_along_axis(matrix.times_ms, at, axis=1)
    shown &= sample_ms > times_ms - lookback_ms
    found = np.take_along_axis(matrix.values, at[matrix.timelines], axis=1)
    present = shown[matrix.timelines] & ~is_stale(found)
    return (sample_ms / 1000)[matrix.timelines] if of_times else found, present
