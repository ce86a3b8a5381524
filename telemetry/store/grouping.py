"""Samples as the engine returns them (runs of one series) into the rows of a series set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.model.samples import RawColumns, SeriesSet


@dataclass(frozen=True, slots=True)
class SampleColumns:
    """Samples in runs of one series, ascending in time within a run; every series has one run."""

    series: NDArray[np.uint64]
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]

    def repeats(self) -> NDArray[np.bool_]:
        """bool[N - 1]: whether sample i + 1 has the series and timestamp of sample i."""
        same: NDArray[np.bool_] = self.series[1:] == self.series[:-1]
        same &= self.timestamps_ms[1:] == self.timestamps_ms[:-1]
        return same


def has_conflict(columns: SampleColumns) -> bool:
    """Whether some (series, timestamp) occurs with two values, so that the order of writing matters."""
    bits = columns.values.view(np.uint64)
    return bool((columns.repeats() & (bits[1:] != bits[:-1])).any())


def rows_of(series: SeriesSet, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Row of the set that each id belongs to."""
    order = np.argsort(series.ids)
    return series.rows[order][np.searchsorted(series.ids[order], ids)]


def group_by_row(series: SeriesSet, columns: SampleColumns) -> RawColumns:
    """Samples by row of `series`, ascending in time, the last of each repeated timestamp."""
    times, values = columns.timestamps_ms, columns.values
    starts = np.flatnonzero(np.concatenate([[True], columns.series[1:] != columns.series[:-1]])[: len(times)])
    rows = rows_of(series, columns.series[starts])
    lengths = np.diff(np.append(starts, len(times)))
    take = _runs_in_order(starts, lengths, np.argsort(rows, kind="stable"))
    times, values = times[take], values[take]
    sizes = np.bincount(rows, weights=lengths, minlength=len(series)).astype(np.int64)
    sample_rows = np.repeat(np.arange(len(series)), sizes)
    if len(series.ids) > len(series):  # rows of several ids: their runs have to be woven together
        order = np.lexsort((times, sample_rows))
        times, values = times[order], values[order]
    return _once_each(sample_rows, times, values, len(series))


def _runs_in_order(
    starts: NDArray[np.int64], lengths: NDArray[np.int64], order: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Positions of the samples when their runs are put into `order`."""
    lengths = lengths[order]
    shift = starts[order] - np.concatenate([[0], np.cumsum(lengths)[:-1]])[: len(order)]
    return np.repeat(shift, lengths).astype(np.int64) + np.arange(lengths.sum(), dtype=np.int64)


def _once_each(
    rows: NDArray[np.int64], times: NDArray[np.int64], values: NDArray[np.float64], count: int
) -> RawColumns:
    repeated = (times[1:] == times[:-1]) & (rows[1:] == rows[:-1])
    if repeated.any():
        last = np.append(~repeated, True)
        rows, times, values = rows[last], times[last], values[last]
    return RawColumns(np.searchsorted(rows, np.arange(count + 1)), times, values)
