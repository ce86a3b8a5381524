"""Calls of the histogram functions.

Native histograms are not stored yet: their functions find none, and those of both kinds see the classic ones.
"""

from typing import Final

import numpy as np

from telemetry.model.labels import METRIC_NAME, Labels, label_value
from telemetry.model.labelsets import with_labels
from telemetry.model.time import TimeGrid
from telemetry.promql.ast import Call, Expr
from telemetry.promql.context import Context, Handler, invalid_quantiles, renamed, text_of
from telemetry.promql.histograms import (
    BUCKET_LABEL,
    Reduce,
    fraction_reducer,
    quantile_reducer,
    reduce_histograms,
    split,
)
from telemetry.promql.values import Floats, Value, Vector, empty_vector, merge_rows
from telemetry.syntax.numbers import format_float


def _quantile(context: Context, call: Call, grid: TimeGrid) -> Value:
    quantiles = context.scalar(call.args[0], grid)
    buckets, bounds = _buckets(context, call.args[1], grid)
    return renamed(context, _quantile_of(context, call.args[0], call.args[1], buckets, bounds, quantiles))


def _quantiles(context: Context, call: Call, grid: TimeGrid) -> Value:
    """histogram_quantiles: several quantiles, told apart by a label."""
    name = text_of(call.args[1])
    buckets, bounds = _buckets(context, call.args[0], grid)
    parts: list[Vector] = []
    for arg in call.args[2:]:
        quantiles = context.scalar(arg, grid)
        found = _quantile_of(context, arg, call.args[0], buckets, bounds, quantiles)
        parts.extend(_labelled(found, name, value, quantiles) for value in np.unique(quantiles).tolist())
    return renamed(context, merge_rows(_stacked(parts, len(grid))))


def _quantile_of(
    context: Context, arg: Expr, source: Expr, buckets: Vector, bounds: Floats, quantiles: Floats
) -> Vector:
    notes = context.run.notes

    def note_forced(labels: Labels, first: bool) -> None:
        """Prometheus has dropped the name after the first time, unless names are dropped last."""
        named = first or context.run.options.delayed_name_removal
        notes.forced_monotonicity(source, label_value(labels, METRIC_NAME) if named else "")

    for quantile in invalid_quantiles(quantiles):
        notes.invalid_quantile(arg, quantile)
    return _reduced(buckets, bounds, quantile_reducer(quantiles, note_forced))


def _labelled(found: Vector, name: str, quantile: float, quantiles: Floats) -> Vector:
    here = (quantiles == quantile) | (np.isnan(quantiles) & np.isnan(quantile))
    text = format_float(quantile)
    shown = f"{text}.0" if text.lstrip("-").isdigit() else text
    labels = [with_labels(labels, [(name, shown)]) for labels in found.labels]
    return Vector(labels, found.values, found.present & here, found.unnamed).compact()


def _stacked(parts: list[Vector], times: int) -> Vector:
    if not parts:
        return empty_vector(times)
    return Vector(
        [labels for part in parts for labels in part.labels],
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.present for part in parts]),
        np.concatenate([part.unnamed for part in parts]),
    )


def _fraction(context: Context, call: Call, grid: TimeGrid) -> Value:
    lower, upper = (context.scalar(arg, grid) for arg in call.args[:2])
    buckets, bounds = _buckets(context, call.args[2], grid)
    return renamed(context, _reduced(buckets, bounds, fraction_reducer(lower, upper)))


def _buckets(context: Context, source: Expr, grid: TimeGrid) -> tuple[Vector, Floats]:
    """Bucket series and their bounds; a warning for each series that is none."""
    buckets, bounds, others = split(context.vector(source, grid))
    for labels in others.labels:
        context.run.notes.bad_bucket(source, label_value(labels, METRIC_NAME), label_value(labels, BUCKET_LABEL))
    return buckets, bounds


def _reduced(buckets: Vector, bounds: Floats, reduce: Reduce) -> Vector:
    return reduce_histograms(buckets, bounds, reduce).compact()


def _native_only(context: Context, call: Call, grid: TimeGrid) -> Value:
    """Float samples are passed over."""
    context.vector(call.args[0], grid)
    return empty_vector(len(grid))


_NATIVE_ONLY: Final = ("histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar", "histogram_sum")

HISTOGRAM_CALLS: Final[dict[str, Handler]] = {
    **dict.fromkeys(_NATIVE_ONLY, _native_only),
    "histogram_fraction": _fraction,
    "histogram_quantile": _quantile,
    "histogram_quantiles": _quantiles,
}
