"""Functions of range vectors that hold native histograms, perhaps beside floats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np

from telemetry.model.histograms import Cells, Histogram, RawHistograms, ResetHint, reduced
from telemetry.model.labels import METRIC_NAME, label_value
from telemetry.model.samples import RawColumns
from telemetry.promql import histogram_arithmetic as arithmetic
from telemetry.promql import range_functions
from telemetry.promql.ast import Call, Expr, Subquery, without_parens
from telemetry.promql.histogram_sums import mean_of, sum_of
from telemetry.promql.kernels.rates import extrapolation
from telemetry.promql.run import Run
from telemetry.promql.values import Floats, Indices, Mask, RangeVector, Vector, no_cells
from telemetry.promql.windows import Windows, windows_of


class MixedRanges:
    """All windows of one call, over floats and histograms."""

    def __init__(
        self, run: Run, call: Call, operand: RangeVector, times_ms: Indices, arguments: Sequence[Floats]
    ) -> None:
        if operand.histograms is None:
            raise TypeError("a range vector without native histograms")
        self.run = run
        self.call = call
        first = call.args[0]
        self.place: Expr | None = None if isinstance(without_parens(first), Subquery) else first
        """What annotations point at; a subquery has no place of its own in Prometheus."""
        self.operand = operand
        self.histograms: RawHistograms = operand.histograms
        self.times_ms = times_ms
        self.shape = (len(operand), len(times_ms))
        self.floats = windows_of(operand.columns, operand.ends_ms, times_ms, operand.range_ms)
        self.native = range_functions.histogram_windows(operand, times_ms)
        self.float_counts = self.floats.counts
        self.native_counts = self.native.counts
        values, present = range_functions.computed(run, call.function, operand, times_ms, arguments)
        self.values, self.present = values.reshape(-1), present.reshape(-1)
        self.cells: Cells = no_cells((len(self.values),))

    def metric(self, window: int) -> str:
        """Name of the series of a window."""
        return label_value(self.operand.labels[window // self.shape[1]], METRIC_NAME)

    def metrics(self, windows: Mask) -> list[str]:
        """Names of the series that have any of these windows."""
        rows = np.flatnonzero(windows.reshape(self.shape).any(axis=1)).tolist()
        return list(dict.fromkeys(label_value(self.operand.labels[row], METRIC_NAME) for row in rows))

    def samples(self, window: int) -> Cells:
        """Histograms of one window, ascending in time."""
        return self.histograms.values[self.native.first[window] : self.native.end[window]]

    def vector(self) -> Vector:
        """The results."""
        return Vector(
            self.operand.labels,
            self.values.reshape(self.shape),
            self.present.reshape(self.shape),
            self.operand.unnamed,
            histograms=self.cells.reshape(self.shape),
        ).compact()

    def refuse_mixed(self) -> None:
        """No result where there are both, and a warning."""
        mixed = (self.float_counts > 0) & (self.native_counts > 0)
        for metric in self.metrics(mixed):
            self.run.notes.mixed_range(self.place, metric)
        self.present &= ~mixed

    def fill(self, least: int, compute: Callable[[int], Histogram | None]) -> None:
        """Results of windows that have `least` histograms and no float."""
        for number, window in enumerate(
            np.flatnonzero((self.native_counts >= least) & (self.float_counts == 0)).tolist()
        ):
            found = compute(window)
            self.cells[window] = found
            self.present[window] = found is not None
            if number % 1024 == 0:
                self.run.check_time()

    @cached_property
    def resets(self) -> Mask:
        """bool[S]: which histograms come after a counter reset, if one stands before them in their series."""
        values = self.histograms.values
        found = np.zeros(len(values), dtype=np.bool_)
        found[1:] = [arithmetic.is_reset(after, before) for before, after in pairwise(values)]
        return found


def apply(run: Run, call: Call, operand: RangeVector, times_ms: Indices, arguments: Sequence[Floats]) -> Vector:
    """As `range_functions.apply`."""
    ranges = MixedRanges(run, call, operand, times_ms, arguments)
    _FUNCTIONS[call.function](ranges)
    return ranges.vector()


# ---- functions of floats


def _of_floats(ranges: MixedRanges) -> None:
    """Histograms are passed over, with a note where there are floats too."""
    for metric in ranges.metrics((ranges.float_counts > 0) & (ranges.native_counts > 0)):
        ranges.run.notes.ignored_in_range(ranges.place, metric)


# ---- functions of any samples


def _count(ranges: MixedRanges) -> None:
    counts = ranges.float_counts + ranges.native_counts
    ranges.values, ranges.present = counts.astype(np.float64), counts > 0


def _present(ranges: MixedRanges) -> None:
    ranges.present = (ranges.float_counts + ranges.native_counts) > 0
    ranges.values = np.ones(len(ranges.present))


def _picked(ranges: MixedRanges, *, last: bool, of_times: bool) -> None:
    chosen = np.flatnonzero(ranges.native_counts > 0)
    at = ranges.native.end[chosen] - 1 if last else ranges.native.first[chosen]
    times = ranges.histograms.timestamps_ms[at]
    both = ranges.float_counts[chosen] > 0
    if both.any():
        other = ranges.floats.end[chosen] - 1 if last else ranges.floats.first[chosen]
        other_times = ranges.floats.timestamps_ms[np.minimum(other, len(ranges.floats.timestamps_ms) - 1)]
        wins = ~both | ((times >= other_times) if last else (times < other_times))
        chosen, at, times = chosen[wins], at[wins], times[wins]
    ranges.present[chosen] = True
    if of_times:
        ranges.values[chosen] = times / 1000
    else:
        ranges.cells[chosen] = ranges.histograms.values[at]


@dataclass(frozen=True, slots=True)
class _Merged:
    """Floats and histograms of all series in one order of time."""

    windows: Windows
    values: Floats
    cells: Cells

    def count(self, is_step: Callable[[Histogram, Histogram], bool], float_steps: Mask) -> Floats:
        """Steps between neighbours in each window: `float_steps` between floats, `is_step(before, after)` between
        histograms, and always from one kind to the other."""
        native = self.cells != None  # noqa: E711 - cell by cell
        steps = np.where(native[1:] | native[:-1], native[1:] != native[:-1], float_steps)
        for at in np.flatnonzero(native[1:] & native[:-1]).tolist():
            steps[at] = is_step(self.cells[at], self.cells[at + 1])
        running = np.concatenate([[0, 0], np.cumsum(steps)])
        filled = self.windows.counts > 0
        counted = np.zeros(len(filled))
        counted[filled] = running[self.windows.end[filled]] - running[self.windows.first[filled] + 1]
        return counted


def _merged(ranges: MixedRanges) -> _Merged:
    columns, histograms = ranges.operand.columns, ranges.histograms
    number = len(ranges.operand)
    rows = [np.repeat(np.arange(number), np.diff(side.offsets)) for side in (columns, histograms)]
    row, times = np.concatenate(rows), np.concatenate([columns.timestamps_ms, histograms.timestamps_ms])
    order = np.lexsort((times, row))
    values = np.concatenate([columns.values, np.full(len(histograms.values), np.nan)])[order]
    cells = np.concatenate([no_cells((len(columns.values),)), histograms.values])[order]
    merged = RawColumns(columns.offsets + histograms.offsets, times[order], values)
    operand = ranges.operand
    windows = windows_of(merged, operand.ends_ms, ranges.times_ms, operand.range_ms)
    return _Merged(windows, values, cells)


def _changes(ranges: MixedRanges) -> None:
    merged = _merged(ranges)
    before, after = merged.values[:-1], merged.values[1:]
    steps = (after != before) & ~(np.isnan(after) & np.isnan(before))
    ranges.values = merged.count(lambda before, after: not arithmetic.equals(before, after), steps)
    ranges.present = merged.windows.counts > 0


def _resets(ranges: MixedRanges) -> None:
    merged = _merged(ranges)
    steps = merged.values[1:] < merged.values[:-1]
    ranges.values = merged.count(lambda before, after: arithmetic.is_reset(after, before), steps)
    ranges.present = merged.windows.counts > 0


# ---- functions of histograms or floats, but not of both


def _sum(ranges: MixedRanges) -> None:
    _combined(ranges, sum_of)


def _average(ranges: MixedRanges) -> None:
    _combined(ranges, mean_of)


def _combined(ranges: MixedRanges, combine: Callable[[Cells], Histogram]) -> None:
    ranges.refuse_mixed()
    ranges.fill(1, lambda window: _try(ranges, window, lambda: combine(ranges.samples(window))))


def _try(ranges: MixedRanges, window: int, compute: Callable[[], Histogram]) -> Histogram | None:
    """What `compute` gives; a warning if its histograms do not go together."""
    notes, node = ranges.run.notes, ranges.place
    try:
        return compute()
    except arithmetic.IncompatibleSchemas:
        notes.mixed_schemas(node, ranges.metric(window))
    except arithmetic.IncompatibleBounds:
        notes.mixed_bounds(node, ranges.metric(window))
    return None


def _extrapolated(ranges: MixedRanges, *, counter: bool, per_second: bool) -> None:
    ranges.refuse_mixed()
    ranges.fill(2, lambda window: _try(ranges, window, lambda: _change(ranges, window, counter=counter)))
    filled = np.flatnonzero(ranges.cells != None)  # noqa: E711 - cell by cell
    if not len(filled):
        return
    windows = ranges.native.take(filled)
    factors = extrapolation(windows, None, np.zeros(len(filled)))
    if per_second:
        factors /= windows.range_ms / 1000
    for window, factor in zip(filled.tolist(), factors.tolist(), strict=True):
        ranges.cells[window] = arithmetic.multiply(ranges.cells[window], factor)


def _change(ranges: MixedRanges, window: int, *, counter: bool) -> Histogram:
    """What was added between the first and the last histogram of a window. Raises Incompatible."""
    points = ranges.samples(window)
    begin = int(ranges.native.first[window])
    first, last = points[0], points[-1]
    if counter and any(point.hint is ResetHint.GAUGE for point in points):
        ranges.run.notes.no_counter(ranges.place, ranges.metric(window))
    restarts = counter and bool(ranges.resets[begin + 1])
    if restarts:  # the first one counts for nothing then, whatever its buckets
        second = points[1]
        first = Histogram(second.schema, 0.0, 0.0, custom_bounds=second.custom_bounds)
    looked_at = [first, last, *(points[1:-1] if counter else [])]
    if any(point.is_custom != first.is_custom for point in looked_at):
        raise arithmetic.IncompatibleSchemas
    schema = min(point.schema for point in looked_at)
    found = arithmetic.subtract(reduced(last, schema), first)
    if counter:
        for at in range(2 if restarts else 1, len(points)):
            if ranges.resets[begin + at]:
                found = arithmetic.add(found, points[at - 1])
    elif ResetHint.GAUGE is not points[0].hint or ResetHint.GAUGE is not points[-1].hint:
        ranges.run.notes.no_gauge(ranges.place, ranges.metric(window))
    return replace(arithmetic.compacted(found), hint=ResetHint.GAUGE)


def _instant(ranges: MixedRanges, *, counter: bool) -> None:
    """irate and idelta: of the last two samples, whatever they are."""
    for window in np.flatnonzero(ranges.native_counts > 0).tolist():
        ranges.present[window] = False
        pair = _last_two(ranges, window)
        if pair is None:
            continue
        (before_ms, before), (after_ms, after) = pair
        if isinstance(before, Histogram) and isinstance(after, Histogram):
            found = _try(
                ranges,
                window,
                lambda b=before, a=after, w=window: _step(ranges, w, b, a, counter=counter),  # type: ignore[misc]
            )
            if found is not None and counter:
                found = arithmetic.divide(found, (after_ms - before_ms) / 1000)
            ranges.cells[window], ranges.present[window] = found, found is not None
        elif isinstance(before, Histogram) or isinstance(after, Histogram):
            ranges.run.notes.mixed_range(ranges.place, ranges.metric(window))
        else:
            ranges.present[window] = True  # both are floats, of which the kernel has taken care


def _last_two(ranges: MixedRanges, window: int) -> list[tuple[int, Histogram | float]] | None:
    floats = slice(max(ranges.floats.end[window] - 2, ranges.floats.first[window]), ranges.floats.end[window])
    native = slice(max(ranges.native.end[window] - 2, ranges.native.first[window]), ranges.native.end[window])
    pairs: list[tuple[int, Histogram | float]] = [
        *zip(ranges.floats.timestamps_ms[floats].tolist(), ranges.floats.values[floats].tolist(), strict=True),
        *zip(ranges.histograms.timestamps_ms[native].tolist(), ranges.histograms.values[native], strict=True),
    ]
    pairs.sort(key=lambda pair: pair[0])
    return pairs[-2:] if len(pairs) > 1 and pairs[-2][0] != pairs[-1][0] else None


def _step(ranges: MixedRanges, window: int, before: Histogram, after: Histogram, *, counter: bool) -> Histogram:
    notes, node, metric = ranges.run.notes, ranges.place, ranges.metric(window)
    gauges = [side.hint is ResetHint.GAUGE for side in (before, after)]
    if counter and any(gauges):
        notes.no_counter(node, metric)
    if not counter and not all(gauges):
        notes.no_gauge(node, metric)
    found = after if counter and arithmetic.is_reset(after, before) else arithmetic.subtract(after, before)
    return replace(arithmetic.compacted(found), hint=ResetHint.GAUGE)


_FUNCTIONS: Final[dict[str, Callable[[MixedRanges], None]]] = {
    **dict.fromkeys(range_functions.RANGE_FUNCTIONS, _of_floats),
    "avg_over_time": _average,
    "changes": _changes,
    "count_over_time": _count,
    "delta": lambda ranges: _extrapolated(ranges, counter=False, per_second=False),
    "first_over_time": lambda ranges: _picked(ranges, last=False, of_times=False),
    "idelta": lambda ranges: _instant(ranges, counter=False),
    "increase": lambda ranges: _extrapolated(ranges, counter=True, per_second=False),
    "irate": lambda ranges: _instant(ranges, counter=True),
    "last_over_time": lambda ranges: _picked(ranges, last=True, of_times=False),
    "present_over_time": _present,
    "rate": lambda ranges: _extrapolated(ranges, counter=True, per_second=True),
    "resets": _resets,
    "sum_over_time": _sum,
    "ts_of_first_over_time": lambda ranges: _picked(ranges, last=False, of_times=True),
    "ts_of_last_over_time": lambda ranges: _picked(ranges, last=True, of_times=True),
}
