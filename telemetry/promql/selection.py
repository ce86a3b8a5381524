"""Selectors: samples of the store as instant vectors and range vectors."""

from dataclasses import replace

import numpy as np

from telemetry.model.histograms import RawHistograms
from telemetry.model.sample_matrix import MatrixColumns
from telemetry.model.samples import RawColumns, SeriesSet, is_stale
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.promql import matrix_windows
from telemetry.promql.ast import MatrixSelector, Subquery, VectorSelector
from telemetry.promql.histogram_arithmetic import reset_once
from telemetry.promql.planner import newest_by_engine
from telemetry.promql.run import Run
from telemetry.promql.values import Indices, Mask, RangeVector, Vector, vector
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
    return _newest(run, selector, grid) if found is None else found


def sample_times(run: Run, selector: VectorSelector, grid: TimeGrid) -> Vector:
    """As `instant_vector`, with the times of the samples in seconds instead of their values."""
    return _newest(run, selector, grid, of_times=True)


def _newest(run: Run, selector: VectorSelector, grid: TimeGrid, *, of_times: bool = False) -> Vector:
    """Values of the newest samples, or with `of_times` their times in seconds."""
    times = reference_times(run, selector, grid.times_ms())
    lookback = run.options.lookback_ms
    time_range = TimeRange(int(times[0]) - lookback + 1, int(times[-1]))
    series, columns = run.read_samples(selector.matchers, time_range)
    run.count_points(len(series) * len(times))
    histograms = run.read_histograms(selector.matchers, time_range)
    if histograms is not None:
        return _newest_of_both(series, columns, histograms, times, lookback, of_times=of_times)
    if isinstance(columns, MatrixColumns) and len(columns):
        return vector(
            series.labels, *matrix_windows.newest(columns.matrix, times, lookback, of_times=of_times)
        ).compact()
    newest, present = _current(columns, times, lookback)
    if not len(columns.values):
        return vector(series.labels, np.full(present.shape, np.nan), present).compact()
    present &= ~is_stale(columns.values)[newest]
    column = columns.timestamps_ms / 1000 if of_times else columns.values
    return vector(series.labels, column[newest], present).compact()


def _current(columns: RawColumns | RawHistograms, times: Indices, lookback: int) -> tuple[Indices, Mask]:
    """(index of the newest sample at each time, whether it is within the lookback): [N, T] each."""
    newest = samples_until(columns, times) - 1
    present = newest >= columns.offsets[:-1, None]
    newest = np.maximum(newest, 0)
    if len(columns.timestamps_ms):
        present &= columns.timestamps_ms[newest] > times - lookback
    return newest, present


def _newest_of_both(
    series: SeriesSet,
    columns: RawColumns,
    histograms: RawHistograms,
    times: Indices,
    lookback: int,
    *,
    of_times: bool,
) -> Vector:
    """As `_newest` where some samples are native histograms; of two at one time the histogram counts."""
    of_float, float_present = _current(columns, times, lookback)
    of_histogram, native = _current(histograms, times, lookback)
    float_ms = columns.timestamps_ms[of_float] if len(columns.timestamps_ms) else np.zeros(native.shape, np.int64)
    values = columns.values[of_float] if len(columns.values) else np.full(native.shape, np.nan)
    histogram_ms = histograms.timestamps_ms[of_histogram]
    native &= ~float_present | (histogram_ms >= float_ms)
    present = (float_present & ~native & ~is_stale(values)) | (native & ~histograms.stale()[of_histogram])
    if of_times:
        return vector(series.labels, np.where(native, histogram_ms, float_ms) / 1000, present).compact()
    cells = histograms.values[of_histogram]
    cells[~native] = None
    return replace(vector(series.labels, np.where(native, np.nan, values), present), histograms=cells).compact()


def range_vector(run: Run, expr: MatrixSelector, grid: TimeGrid) -> RangeVector:
    """Samples of each series and the windows before each time."""
    length = run.milliseconds(expr.range)
    ends = reference_times(run, expr.selector, grid.times_ms())
    time_range = TimeRange(int(ends[0]) - length + 1, int(ends[-1]))
    series, columns = run.read_samples(expr.selector.matchers, time_range)
    histograms = run.read_histograms(expr.selector.matchers, time_range)
    unnamed = np.zeros(len(series), dtype=np.bool_)
    kept = None if histograms is None else _kept(histograms, ~histograms.stale())
    return RangeVector(series.labels, without_stale(columns), ends, length, unnamed, kept)


def _kept(histograms: RawHistograms, kept: Mask) -> RawHistograms:
    kept_before = np.concatenate([[0], np.cumsum(kept)])
    offsets = kept_before[histograms.offsets]
    return RawHistograms(offsets, histograms.timestamps_ms[kept], histograms.values[kept])


def without_stale(columns: RawColumns) -> RawColumns:
    """Columns without staleness markers."""
    if isinstance(columns, MatrixColumns):
        return MatrixColumns(columns.matrix.without_stale())
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
    times = np.broadcast_to(grid.times_ms(), inner.present.shape)
    floats, histograms = inner.present, None
    if inner.histograms is not None:
        native = inner.is_histogram
        floats = inner.present & ~native
        values = reset_once(inner.histograms[native])
        histograms = RawHistograms(_offsets(native), times[native], values)
    columns = RawColumns(_offsets(floats), times[floats], inner.values[floats])
    return RangeVector(inner.labels, columns, ends, length, inner.unnamed, histograms)


def _offsets(present: Mask) -> Indices:
    return np.concatenate([[0], np.cumsum(present.sum(axis=1))])


def no_samples(ends: Indices, length: int) -> RangeVector:
    """A range vector without series."""
    columns = RawColumns(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return RangeVector([], columns, ends, length, np.zeros(0, dtype=np.bool_))
