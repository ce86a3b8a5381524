"""Calls of the histogram functions, over classic histograms (series with a label `le`) and native ones."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from telemetry.model.histograms import Histogram
from telemetry.model.labels import METRIC_NAME, Labels, label_value
from telemetry.model.labelsets import number_groups, remove, with_labels
from telemetry.model.time import TimeGrid
from telemetry.promql import histogram_estimates as estimates
from telemetry.promql.ast import Call, Expr
from telemetry.promql.context import Context, Handler, invalid_quantiles, renamed, text_of
from telemetry.promql.histogram_estimates import NanEffect
from telemetry.promql.histograms import (
    BUCKET_LABEL,
    Reduce,
    fraction_reducer,
    quantile_reducer,
    reduce_histograms,
    split,
)
from telemetry.promql.values import Floats, Value, Vector, empty_vector, merge_rows, stacked
from telemetry.syntax.numbers import format_float


def _quantile(context: Context, call: Call, grid: TimeGrid) -> Value:
    quantiles = context.scalar(call.args[0], grid)
    source = _source(context, call.args[1], grid)
    return renamed(context, _quantile_of(context, call.args[0], call.args[1], source, quantiles))


def _quantiles(context: Context, call: Call, grid: TimeGrid) -> Value:
    """histogram_quantiles: several quantiles, told apart by a label."""
    name = text_of(call.args[1])
    source = _source(context, call.args[0], grid)
    parts: list[Vector] = []
    for arg in call.args[2:]:
        quantiles = context.scalar(arg, grid)
        found = _quantile_of(context, arg, call.args[0], source, quantiles)
        parts.extend(_labelled(found, name, value, quantiles) for value in np.unique(quantiles).tolist())
    return renamed(context, merge_rows(stacked(parts)) if parts else empty_vector(len(grid)))


def _quantile_of(context: Context, arg: Expr, place: Expr, source: "_Source", quantiles: Floats) -> Vector:
    notes = context.run.notes

    def note_forced(labels: Labels, first: bool) -> None:
        """Prometheus has dropped the name after the first time, unless names are dropped last."""
        named = first or context.run.options.delayed_name_removal
        notes.forced_monotonicity(place, label_value(labels, METRIC_NAME) if named else "")

    for quantile in invalid_quantiles(quantiles):
        notes.invalid_quantile(arg, quantile)
    classic = _reduced(source.buckets, source.bounds, quantile_reducer(quantiles, note_forced))
    if source.native is None:
        return classic

    def estimate(histogram: Histogram, at: int, metric: str) -> float:
        found, effect = estimates.quantile(float(quantiles[at]), histogram)
        if effect is NanEffect.RESULT:
            notes.nan_quantile(arg, metric)
        elif effect is NanEffect.SKEW:
            notes.skewed_quantile(arg, metric)
        return found

    return stacked([classic, _estimated(context, source.native, estimate)])


def _labelled(found: Vector, name: str, quantile: float, quantiles: Floats) -> Vector:
    here = (quantiles == quantile) | (np.isnan(quantiles) & np.isnan(quantile))
    text = format_float(quantile)
    shown = f"{text}.0" if text.lstrip("-").isdigit() else text
    labels = [with_labels(labels, [(name, shown)]) for labels in found.labels]
    return Vector(labels, found.values, found.present & here, found.unnamed).compact()


def _fraction(context: Context, call: Call, grid: TimeGrid) -> Value:
    lower, upper = (context.scalar(arg, grid) for arg in call.args[:2])
    source = _source(context, call.args[2], grid)
    classic = _reduced(source.buckets, source.bounds, fraction_reducer(lower, upper))
    if source.native is None:
        return renamed(context, classic)

    def estimate(histogram: Histogram, at: int, metric: str) -> float:
        found, effect = estimates.fraction(float(lower[at]), float(upper[at]), histogram)
        if effect is not NanEffect.NONE:
            context.run.notes.nan_fraction(call.args[0], metric)
        return found

    return renamed(context, stacked([classic, _estimated(context, source.native, estimate)]))


@dataclass(frozen=True, slots=True)
class _Source:
    """Histograms of both kinds."""

    buckets: Vector
    """Series of classic buckets."""
    bounds: Floats
    """Their upper bounds."""
    native: Vector | None
    """Native histograms alone; None if there are none."""


def _source(context: Context, expr: Expr, grid: TimeGrid) -> _Source:
    """Both kinds of histograms; neither where there are both of one name. A warning for each float series that is no
    bucket."""
    operand = context.vector(expr, grid)
    buckets, bounds, others = split(operand.floats())
    for labels in others.labels:
        context.run.notes.bad_bucket(expr, label_value(labels, METRIC_NAME), label_value(labels, BUCKET_LABEL))
    if operand.histograms is None:
        return _Source(buckets, bounds, None)
    native = replace(operand, present=operand.is_histogram).compact()
    buckets, native = _apart(context, expr, buckets, native)
    return _Source(buckets, bounds, native)


def _apart(context: Context, expr: Expr, buckets: Vector, native: Vector) -> tuple[Vector, Vector]:
    """Both without the times at which classic and native histograms have the same labels."""
    dropped = frozenset({BUCKET_LABEL})
    groups, _ = number_groups(remove(labels, dropped) for labels in (*buckets.labels, *native.labels))
    classic, other = groups[: len(buckets)], groups[len(buckets) :]
    number = int(groups.max(initial=-1)) + 1
    there = np.zeros((2, number, native.present.shape[1]), dtype=np.bool_)
    np.logical_or.at(there[0], classic, buckets.present)
    np.logical_or.at(there[1], other, native.present)
    both = there[0] & there[1]
    if not both.any():
        return buckets, native
    for row in np.flatnonzero((native.present & both[other]).any(axis=1)).tolist():
        context.run.notes.mixed_kinds_of_histograms(expr, label_value(native.labels[row], METRIC_NAME))
    return (
        replace(buckets, present=buckets.present & ~both[classic]),
        replace(native, present=native.present & ~both[other]),
    )


def _estimated(context: Context, native: Vector, estimate: Callable[[Histogram, int, str], float]) -> Vector:
    """`estimate(histogram, time, metric)` of every native histogram."""
    values = np.full(native.present.shape, np.nan)
    cells = native.histograms
    if cells is None:
        raise TypeError("a vector without native histograms")
    delayed = context.run.options.delayed_name_removal
    for row, labels in enumerate(native.labels):
        metric = label_value(labels, METRIC_NAME)
        for at in np.flatnonzero(native.present[row]).tolist():
            # as for classic histograms, Prometheus has dropped the name after the first time
            values[row, at] = estimate(cells[row, at], at, metric if delayed or at == 0 else "")
        context.run.check_time()
    return replace(native, values=values, histograms=None)


def _reduced(buckets: Vector, bounds: Floats, reduce: Reduce) -> Vector:
    return reduce_histograms(buckets, bounds, reduce).compact()


def _native_only(context: Context, call: Call, grid: TimeGrid) -> Value:
    """Float samples are passed over."""
    operand = context.vector(call.args[0], grid)
    if operand.histograms is None:
        return empty_vector(len(grid))
    native = replace(operand, present=operand.is_histogram).compact()
    value = _NATIVE_ONLY[call.function]
    return renamed(context, _estimated(context, native, lambda histogram, at, metric: value(histogram)))


_NATIVE_ONLY: Final[dict[str, Callable[[Histogram], float]]] = {
    "histogram_avg": estimates.average,
    "histogram_count": lambda histogram: histogram.count,
    "histogram_stddev": estimates.deviation,
    "histogram_stdvar": estimates.variance,
    "histogram_sum": lambda histogram: histogram.sum,
}

HISTOGRAM_CALLS: Final[dict[str, Handler]] = {
    **dict.fromkeys(_NATIVE_ONLY, _native_only),
    "histogram_fraction": _fraction,
    "histogram_quantile": _quantile,
    "histogram_quantiles": _quantiles,
}
