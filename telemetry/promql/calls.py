"""Function calls: what each function does with its arguments at all times of a grid."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from telemetry.model.labels import METRIC_NAME, Labels
from telemetry.model.labelsets import label_texts
from telemetry.model.time import TimeGrid
from telemetry.promql import histogram_ranges, info, label_functions, range_functions, selection, sorting
from telemetry.promql.ast import Call, Subquery, ValueType, VectorSelector, without_parens
from telemetry.promql.context import Context, Handler, invalid_quantiles, renamed, text_of
from telemetry.promql.dates import DATE_FUNCTIONS, calendar_field
from telemetry.promql.elementwise import UNARY_FUNCTIONS, larger, round_to, smaller
from telemetry.promql.histogram_calls import HISTOGRAM_CALLS
from telemetry.promql.planner import range_function_by_engine
from telemetry.promql.run import Run
from telemetry.promql.signatures import SIGNATURES
from telemetry.promql.values import Floats, Mask, Scalar, Value, Vector, empty_vector, vector


def evaluate_call(context: Context, call: Call, grid: TimeGrid) -> Value:
    """Value of a call. Raises EvaluationError."""
    return _HANDLERS[call.function](context, call, grid)


# ---- functions of range vectors


def _over_range(context: Context, call: Call, grid: TimeGrid) -> Value:
    signature = SIGNATURES[call.function]
    types = [signature.type_of(position) for position in range(len(call.args))]
    source = call.args[types.index(ValueType.MATRIX)]
    arguments = [
        context.scalar(arg, grid) for arg, kind in zip(call.args, types, strict=True) if kind is ValueType.SCALAR
    ]
    run = context.run
    result = range_function_by_engine(run, call.function, without_parens(source), grid)
    if result is None:
        operand = context.range_vector(source, grid)
        apply = range_functions.apply if operand.histograms is None else histogram_ranges.apply
        result = apply(run, call, operand, grid.times_ms(), arguments)
    if call.function == "quantile_over_time" and len(result):
        for quantile in invalid_quantiles(arguments[0]):
            run.notes.invalid_quantile(call.args[0], quantile)
    if call.function in ("rate", "increase"):
        place = None if isinstance(without_parens(source), Subquery) else source
        for name in label_texts(result.floats().labels, METRIC_NAME):
            run.notes.counter_name(place, name)
    return range_functions.named(run, call.function, result)


def _absent_over_time(context: Context, call: Call, grid: TimeGrid) -> Value:
    source = without_parens(call.args[0])
    seen = range_functions.seen(context.range_vector(source, grid), grid.times_ms())
    return _absence(label_functions.absent_labels(source), seen)


# ---- functions of instant vectors, sample by sample


def _each(context: Context, call: Call, grid: TimeGrid) -> Value:
    operand = context.vector(call.args[0], grid).floats()
    return renamed(context, replace(operand, values=UNARY_FUNCTIONS[call.function](operand.values)))


def _round(context: Context, call: Call, grid: TimeGrid) -> Value:
    operand = context.vector(call.args[0], grid).floats()
    nearest = context.scalar(call.args[1], grid) if len(call.args) > 1 else np.ones(len(grid))
    return renamed(context, replace(operand, values=round_to(operand.values, nearest)))


def _clamp(context: Context, call: Call, grid: TimeGrid) -> Value:
    operand = context.vector(call.args[0], grid).floats()
    bounds = [context.scalar(arg, grid) for arg in call.args[1:]]
    least = np.full(len(grid), -np.inf) if call.function == "clamp_max" else bounds[0]
    most = np.full(len(grid), np.inf) if call.function == "clamp_min" else bounds[-1]
    values = larger(least, smaller(most, operand.values))
    present = operand.present & ~(most < least)
    return renamed(context, replace(operand, values=values, present=present).compact())


def _date(context: Context, call: Call, grid: TimeGrid) -> Value:
    if not call.args:
        return vector([()], calendar_field(call.function, _seconds(grid))[None, :])
    operand = context.vector(call.args[0], grid).floats()
    return renamed(context, replace(operand, values=calendar_field(call.function, operand.values)))


def _timestamp(context: Context, call: Call, grid: TimeGrid) -> Value:
    """Times of the samples themselves for a selector, the evaluation time for everything that is computed."""
    argument = without_parens(call.args[0])
    if isinstance(argument, VectorSelector):
        return renamed(context, selection.sample_times(context.run, argument, grid))
    operand = context.vector(argument, grid)
    times = np.broadcast_to(_seconds(grid), operand.values.shape)
    return renamed(context, replace(operand, values=times, histograms=None))


# ---- functions of whole vectors


def _absent(context: Context, call: Call, grid: TimeGrid) -> Value:
    operand = context.vector(call.args[0], grid)
    return _absence(label_functions.absent_labels(without_parens(call.args[0])), np.any(operand.present, axis=0))


def _absence(labels: Labels, seen: Mask) -> Vector:
    return vector([labels], np.ones((1, len(seen))), ~seen[None, :]).compact()


def _scalar(context: Context, call: Call, grid: TimeGrid) -> Value:
    operand = context.vector(call.args[0], grid).floats()
    single = operand.present.sum(axis=0) == 1
    values = np.where(operand.present, operand.values, 0.0).sum(axis=0)
    return Scalar(np.where(single, values, np.nan))


def _vector(context: Context, call: Call, grid: TimeGrid) -> Value:
    return vector([()], context.scalar(call.args[0], grid)[None, :])


def _label_replace(context: Context, call: Call, grid: TimeGrid) -> Value:
    target, template, source, pattern = (text_of(arg) for arg in call.args[1:])
    operand = context.vector(call.args[0], grid)
    return label_functions.label_replace(operand, target, template, source, pattern)


def _label_join(context: Context, call: Call, grid: TimeGrid) -> Value:
    target, separator, *sources = (text_of(arg) for arg in call.args[1:])
    return label_functions.label_join(context.vector(call.args[0], grid), target, separator, sources)


def _sort(context: Context, call: Call, grid: TimeGrid) -> Value:
    descending = call.function.endswith("_desc")
    operand = context.vector(call.args[0], grid)
    if len(call.args) == 1 and not call.function.startswith("sort_by_label"):
        return sorting.sort_by_value(operand.floats(), descending=descending)
    names = [text_of(arg) for arg in call.args[1:]]
    return sorting.sort_by_label(operand, names, descending=descending)


def _info(context: Context, call: Call, grid: TimeGrid) -> Value:
    base = context.vector(call.args[0], grid)
    selector = call.args[1].matchers if len(call.args) > 1 and isinstance(call.args[1], VectorSelector) else ()
    wanted = info.matchers_for(base.labels, selector)
    if wanted is None:
        return info.join(base, empty_vector(len(grid)), selector)
    seen = selection.sample_times(context.run, VectorSelector(call.span, "", wanted), grid)
    return info.join(base, seen, selector)


# ---- scalars


def _seconds(grid: TimeGrid) -> Floats:
    return grid.times_ms() / 1000


def _constant(value: Callable[[Run], float]) -> Handler:
    return lambda context, call, grid: Scalar(np.full(len(grid), value(context.run)))


_HANDLERS: Final[dict[str, Handler]] = {
    **dict.fromkeys(range_functions.RANGE_FUNCTIONS, _over_range),
    **dict.fromkeys(UNARY_FUNCTIONS, _each),
    **dict.fromkeys(DATE_FUNCTIONS, _date),
    **dict.fromkeys(("sort", "sort_desc", "sort_by_label", "sort_by_label_desc"), _sort),
    **dict.fromkeys(("clamp", "clamp_max", "clamp_min"), _clamp),
    **HISTOGRAM_CALLS,
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "end": _constant(lambda run: run.end_ms / 1000),
    "info": _info,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "pi": _constant(lambda run: np.pi),
    "range": _constant(lambda run: (run.end_ms - run.start_ms) / 1000),
    "round": _round,
    "scalar": _scalar,
    "start": _constant(lambda run: run.start_ms / 1000),
    "step": _constant(lambda run: run.step_ms / 1000),
    "time": lambda context, call, grid: Scalar(_seconds(grid)),
    "timestamp": _timestamp,
    "vector": _vector,
}
