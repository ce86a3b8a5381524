"""What the grammar allows and the language does not, in Loki's words."""

from typing import Final

from telemetry.logql.ast import Grouping, LogRange, LogSelector, RangeAggregation, Stage
from telemetry.logql.conversions import parse_float
from telemetry.logql.errors import ParseError
from telemetry.logql.stages import compile_stage
from telemetry.model.errors import InvalidInput

_GROUPED: Final = frozenset(
    f"{name}_over_time" for name in ("avg", "stddev", "stdvar", "quantile", "max", "min", "first", "last")
)
_UNWRAPPED: Final = _GROUPED | {"sum_over_time", "rate", "rate_counter", "absent_over_time"}
_OF_LINES: Final = frozenset({"bytes_over_time", "bytes_rate", "count_over_time", "rate", "absent_over_time"})
_RANKED: Final = frozenset({"topk", "bottomk", "approx_topk"})


def check_selector(selector: LogSelector) -> LogSelector:
    """The selector itself. Raises ParseError if it would select every stream."""
    if all(matcher.matches("") for matcher in selector.matchers):
        raise ParseError(
            "queries require at least one regexp or equality matcher that does not have an empty-compatible value. "
            'For instance, app=~".*" does not meet this requirement, but app=~".+" will'
        )
    return selector


def check_stage(stage: Stage) -> Stage:
    """The stage itself. Raises ParseError for patterns, templates and expressions that are none."""
    try:
        compile_stage(stage)
    except ValueError as error:
        raise ParseError(str(error)) from error
    except InvalidInput as error:
        raise ParseError(str(error)) from error
    return stage


def check_range_aggregation(
    op: str, span: LogRange, grouping: Grouping | None, parameter: str | None
) -> RangeAggregation:
    """The aggregation. Raises ParseError where operator, unwrap, grouping and parameter do not fit."""
    value = _range_parameter(op, parameter)
    if grouping is not None and op not in _GROUPED:
        raise ParseError(f"grouping not allowed for {op} aggregation")
    if span.unwrap is not None and op not in _UNWRAPPED:
        raise ParseError(f"invalid aggregation {op} with unwrap")
    if span.unwrap is None and op not in _OF_LINES:
        raise ParseError(f"invalid aggregation {op} without unwrap")
    return RangeAggregation(op, span, grouping, value)


def _range_parameter(op: str, parameter: str | None) -> float | None:
    if parameter is None:
        if op == "quantile_over_time":
            raise ParseError(f"parameter required for operation {op}")
        return None
    if op != "quantile_over_time":
        raise ParseError(f"parameter {parameter} not supported for operation {op}")
    try:
        return parse_float(parameter)
    except ValueError as error:
        raise ParseError(f"invalid parameter for operation {op}: {error}") from error


def vector_parameter(op: str, parameter: str | None, grouping: Grouping | None) -> int | None:
    """Number of series of topk and its like, None for others. Raises ParseError."""
    if op not in _RANKED:
        if parameter is not None:
            raise ParseError(f"unsupported parameter for operation {op}({parameter},")
        return None
    if parameter is None:
        raise ParseError(f"parameter required for operation {op}")
    if not (parameter.isascii() and parameter.isdigit() and len(parameter) < 19):
        raise ParseError(f"invalid parameter {op}({parameter},")
    if int(parameter) == 0:
        raise ParseError(f"invalid parameter (must be greater than 0) {op}({parameter}")
    if op == "approx_topk" and grouping is not None:
        raise ParseError(f"grouping not allowed for {op} aggregation")
    return int(parameter)
