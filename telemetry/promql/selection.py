"""Selectors: samples of the store as instant vectors and range vectors."""

from collections.abc import Callable

import numpy as np

from telemetry.model.samples import RawColumns, is_stale
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.promql.ast import MatrixSelector, Subquery, VectorSelector
from telemetry.promql.planner import newest_by_engine
from telemetry.promql.run import Run
from telemetry.promql.values import Floats, Indices, RangeVector, Vector, vector
from telemetry.promql.windows import samples_until


def reference_times(run: Run, expr: VectorSelector | Subquery, times_ms: Indices) -> Indices:
    """Times that a selector looks at when the query is evaluated at `times_ms`: offset and @ applied."""
    offset = run.milliseconds(expr.offset, negative=True)
    if expr.at is None:
        return times_ms - offset
    return np.full_like(times_ms, run.instant_ms(expr.at) - offset)


def instant_vector(run: Run, selector: VectorSelector, grid: TimeGrid) -> Vector:
    """Newest sample of each series within the lookback before each time, none after a staleness marker."""
    found = newest_by_engine(run, selector, grid)
    return _newest(run, selector, grid, lambda columns: columns.values) if found is None else found


def sample_times(run: Run, selector: VectorSelector, grid: TimeGrid) -> Vector:
    """As `instant_vector`, with the times of the samples in seconds instead of their values."""
    return _newest(run, selector, grid, lambda columns: columns.timestamps_ms / 1000)


def _newest(run: Run, selector: VectorSelector, grid: TimeGrid, column: Callable[[RawColumns], Floats]) -> Vector:
    times = reference_times(run, selector, grid.times_ms())
    lookback = run.options.lookback_ms
    series, columns = run.read_samples(selector.matchers, TimeRange(int(times[0]) - lookback + 1, int(times[-1])))
    run.count_points(len(series) * len(times))
    newest = samples_until(columns, times) - 1
    present = newest >= columns.offsets[:-1, None]
    newest = np.maximum(newest, 0)
    if not len(columns.values):
        return vector(series.labels, np.full(present.shape, np.nan), present).compact()
    present &= columns.timestamps_ms[newest] > times - lookback
    present &= ~is_stale(columns.values)[newest]
    return vector(series.labels, column(columns)[newest], present).compact()


def range_vector(run: Run, expr: MatrixSelector, grid: TimeGrid) -> RangeVector:
    """Samples of each series and the windows before each time."""
    length = run.milliseconds(expr.range)
    ends = reference_times(run, expr.selector, grid.times_ms())
    series, columns = run.read_samples(expr.selector.matchers, TimeRange(int(ends[0]) - length + 1, int(ends[-1])))
    unnamed = np.zeros(len(series), dtype=np.bool_)
    return RangeVector(series.labels, without_stale(columns), ends, length, unnamed)


def without_stale(columns: RawColumns) -> RawColumns:
    """Columns without staleness markers."""
    stale = is_stale(columns.values)
    if not stale.any():
        return columns
    kept_before = np.concatenate([[0], np.cumsum(~stale)])
    return RawColumns(kept_before[columns.offsets], columns.timestamps_ms[~stale], columns.values[~stale])


def subquery_grid(run: Run, expr: Subquery, grid: TimeGrid) -> tuple[TimeGrid | None, Indices, int]:
    """(times to evaluate the inner expression at, right edges of the windows over it, their length).

    Inner times are multiples of the step, after the left edge of the first window and up to the end of the last;
    None if there are none.
    """
    length = run.milliseconds(expr.range)
    step = run.milliseconds(expr.step) or run.options.evaluation_interval_ms
    ends = reference_times(run, expr, grid.times_ms())
    start = ((int(ends[0]) - length) // step + 1) * step
    if start > int(ends[-1]):
        return None, ends, length
    return TimeGrid(start, int(ends[-1]), step), ends, length


def vector_as_range(inner: Vector, grid: TimeGrid, ends: Indices, length: int) -> RangeVector:
    """An evaluated vector seen as samples."""
    counts = inner.present.sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    times = np.broadcast_to(grid.times_ms(), inner.present.shape)
    columns = RawColumns(offsets, times[inner.present], inner.values[inner.present])
    return RangeVector(inner.labels, columns, ends, length, inner.unnamed)


def no_samples(ends: Indices, length: int) -> RangeVector:
    """A range vector without series."""
    columns = RawColumns(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return RangeVector([], columns, ends, length, np.zeros(0, dtype=np.bool_))
