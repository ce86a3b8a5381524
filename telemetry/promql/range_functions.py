"""Functions of range vectors: which kernel computes them and what happens to names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.model.sample_matrix import MatrixColumns
from telemetry.model.samples import RawColumns
from telemetry.promql.ast import Call
from telemetry.promql.kernels import counts, extremes, ordered, rates, sums, trends
from telemetry.promql.matrix_windows import EXTRAPOLATED, MatrixWindows
from telemetry.promql.run import Run
from telemetry.promql.values import Floats, Indices, Mask, RangeVector, Vector, refuse_equal_rows
from telemetry.promql.windows import Windows, blocks, rows_of, windows_of


@dataclass(frozen=True, slots=True)
class RangeFunction:
    kernel: Callable[..., tuple[Floats, Mask]]
    """Called with the windows and one float64[W] for each scalar argument."""
    keeps_name: bool = False


RANGE_FUNCTIONS: Final[dict[str, RangeFunction]] = {
    "avg_over_time": RangeFunction(sums.avg_over_time),
    "changes": RangeFunction(counts.changes),
    "count_over_time": RangeFunction(counts.count_over_time),
    "delta": RangeFunction(rates.delta),
    "deriv": RangeFunction(trends.deriv),
    "double_exponential_smoothing": RangeFunction(trends.double_exponential_smoothing),
    "first_over_time": RangeFunction(counts.first_over_time, keeps_name=True),
    "idelta": RangeFunction(rates.idelta),
    "increase": RangeFunction(rates.increase),
    "irate": RangeFunction(rates.irate),
    "last_over_time": RangeFunction(counts.last_over_time, keeps_name=True),
    "mad_over_time": RangeFunction(ordered.mad_over_time),
    "max_over_time": RangeFunction(extremes.max_over_time),
    "min_over_time": RangeFunction(extremes.min_over_time),
    "predict_linear": RangeFunction(trends.predict_linear),
    "present_over_time": RangeFunction(counts.present_over_time),
    "quantile_over_time": RangeFunction(ordered.quantile_over_time),
    "rate": RangeFunction(rates.rate),
    "resets": RangeFunction(counts.resets),
    "stddev_over_time": RangeFunction(sums.stddev_over_time),
    "stdvar_over_time": RangeFunction(sums.stdvar_over_time),
    "sum_over_time": RangeFunction(sums.sum_over_time),
    "ts_of_first_over_time": RangeFunction(counts.ts_of_first_over_time),
    "ts_of_last_over_time": RangeFunction(counts.ts_of_last_over_time),
    "ts_of_max_over_time": RangeFunction(extremes.ts_of_max_over_time),
    "ts_of_min_over_time": RangeFunction(extremes.ts_of_min_over_time),
}


def apply(run: Run, call: Call, operand: RangeVector, times_ms: Indices, arguments: Sequence[Floats]) -> Vector:
    """`call` over every window of every series, still with names; `arguments` have one value a time."""
    values, present = computed(run, call.function, operand, times_ms, arguments)
    return Vector(operand.labels, values, present, operand.unnamed).compact()


def computed(
    run: Run, name: str, operand: RangeVector, times_ms: Indices, arguments: Sequence[Floats]
) -> tuple[Floats, Mask]:
    """(float64[N, T], bool[N, T] whether there is a result) of `name` over the float samples."""
    function = RANGE_FUNCTIONS[name]
    shape = (len(operand), len(times_ms))
    run.count_points(shape[0] * shape[1])
    values, present = np.empty(shape), np.empty(shape, dtype=np.bool_)
    shared = _shared_windows(operand, times_ms)
    if shared is not None and name in EXTRAPOLATED:
        return shared.extrapolated(name, run.check_time)
    for rows in blocks(*shape):
        windows = shared.flat(np.arange(rows.start, rows.stop)) if shared else _windows(operand, rows, times_ms)
        repeated = [np.tile(argument, rows.stop - rows.start) for argument in arguments]
        found, shown = function.kernel(windows, *repeated)
        values[rows], present[rows] = found.reshape(-1, shape[1]), shown.reshape(-1, shape[1])
        run.check_time()
    return values, present


def named(run: Run, name: str, result: Vector) -> Vector:
    """The result with the names it is to have. Raises EvaluationError if two series have equal labels then."""
    if RANGE_FUNCTIONS[name].keeps_name:
        return result
    delayed = run.options.delayed_name_removal
    renamed = result.renamed(delayed=delayed)
    return renamed if delayed else refuse_equal_rows(renamed)


def _shared_windows(operand: RangeVector, times_ms: Indices) -> MatrixWindows | None:
    """Windows of series whose timestamps are shared, if these are."""
    columns = operand.columns
    if not isinstance(columns, MatrixColumns) or not len(columns):
        return None
    return MatrixWindows.of(columns.matrix, operand.ends_ms, times_ms, operand.range_ms)


def _windows(operand: RangeVector, rows: slice, times_ms: Indices) -> Windows:
    return windows_of(rows_of(operand.columns, rows), operand.ends_ms, times_ms, operand.range_ms)


def seen(operand: RangeVector, times_ms: Indices) -> Mask:
    """bool[T]: whether any series has a sample in the window of each time."""
    any_sample = np.zeros(len(times_ms), dtype=np.bool_)
    for rows in blocks(len(operand), len(times_ms)):
        counted = _windows(operand, rows, times_ms).counts
        any_sample |= (counted > 0).reshape(-1, len(times_ms)).any(axis=0)
    if operand.histograms is not None:
        any_sample |= (histogram_windows(operand, times_ms).counts > 0).reshape(-1, len(times_ms)).any(axis=0)
    return any_sample


def histogram_windows(operand: RangeVector, times_ms: Indices) -> Windows:
    """The windows over the native histograms; their values mean nothing."""
    histograms = operand.histograms
    if histograms is None:
        raise TypeError("a range vector without native histograms")
    timestamps = histograms.timestamps_ms
    columns = RawColumns(histograms.offsets, timestamps, np.zeros(len(timestamps)))
    return windows_of(columns, operand.ends_ms, times_ms, operand.range_ms)
