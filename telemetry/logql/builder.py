"""From the grammar's reductions to the syntax tree; called by the parser as it goes, never by recursion."""

from collections.abc import Sequence
from typing import Any

from lark import Token, Transformer

from telemetry.logql.arithmetic import fold
from telemetry.logql.ast import (
    SET_OPERATORS,
    Binary,
    BytesFilter,
    Cardinality,
    Decolorize,
    DropLabels,
    DurationFilter,
    Expr,
    Extraction,
    Filter,
    FilterPair,
    Grouping,
    IpFilter,
    JsonParser,
    KeepLabels,
    LabelChange,
    LabelFilter,
    LabelFormat,
    LabelReplace,
    LineFilter,
    LineFormat,
    LineOp,
    LineTest,
    Literal,
    LogfmtParser,
    LogRange,
    LogSelector,
    Matching,
    NamedLabel,
    NumberFilter,
    PatternParser,
    RangeAggregation,
    RegexpParser,
    Stage,
    TextFilter,
    UnpackParser,
    Unwrap,
    VectorAggregation,
    VectorLiteral,
)
from telemetry.logql.checks import check_range_aggregation, check_selector, check_stage, vector_parameter
from telemetry.logql.conversions import parse_float
from telemetry.logql.errors import ParseError
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Matcher, MatchOp, compile_anchored

Items = Sequence[Any]


class Builder(Transformer[Token, Expr]):
    """One method a rule of grammar.lark. Raises ParseError."""

    def start(self, items: Items) -> Any:
        return items[0]

    def paren(self, items: Items) -> Any:
        return items[1]

    # -- selectors and pipelines

    def matcher(self, items: Items) -> Matcher:
        name, op, value = items
        try:
            return Matcher(str(name), MatchOp(str(op)), value.value)
        except InvalidInput as error:
            raise ParseError(_regexp_problem(error)) from error

    def selector(self, items: Items) -> LogSelector:
        return LogSelector(tuple(item for item in items if isinstance(item, Matcher)))

    def log_query(self, items: Items) -> LogSelector:
        return check_selector(LogSelector(items[0].matchers, items[1] if len(items) > 1 else ()))

    def pipeline(self, items: Items) -> tuple[Stage, ...]:
        return tuple(items)

    def longer_pipeline(self, items: Items) -> tuple[Stage, ...]:
        return (*items[0], items[1])

    def piped(self, items: Items) -> Stage:
        return check_stage(items[1])

    def label_filter_stage(self, items: Items) -> Stage:
        return check_stage(LabelFilter(items[1]))

    def line_test(self, items: Items) -> LineTest:
        return LineTest(_text(items[0])) if len(items) == 1 else LineTest(_text(items[2]), is_ip=True)

    def line_filter(self, items: Items) -> Stage:
        tests = tuple(item for item in items if isinstance(item, LineTest))
        return check_stage(LineFilter(LineOp(str(items[0])), tests))

    # -- stages

    def json(self, items: Items) -> JsonParser:
        return JsonParser(items[1] if len(items) > 1 else ())

    def logfmt(self, items: Items) -> LogfmtParser:
        flags = {str(item) for item in items if isinstance(item, Token) and item.type == "FLAG"}
        extractions = items[-1] if isinstance(items[-1], tuple) else ()
        return LogfmtParser("--strict" in flags, "--keep-empty" in flags, extractions)

    def regexp(self, items: Items) -> RegexpParser:
        return RegexpParser(_text(items[1]))

    def pattern(self, items: Items) -> PatternParser:
        return PatternParser(_text(items[1]))

    def unpack(self, _items: Items) -> UnpackParser:
        return UnpackParser()

    def decolorize(self, _items: Items) -> Decolorize:
        return Decolorize()

    def line_format(self, items: Items) -> LineFormat:
        return LineFormat(_text(items[1]))

    def label_format(self, items: Items) -> LabelFormat:
        return LabelFormat(tuple(item for item in items if isinstance(item, LabelChange)))

    def label_change(self, items: Items) -> LabelChange:
        renames = items[2].type == "IDENTIFIER"
        return LabelChange(str(items[0]), str(items[2]) if renames else _text(items[2]), renames)

    def extractions(self, items: Items) -> tuple[Extraction, ...]:
        return tuple(item for item in items if isinstance(item, Extraction))

    def extraction(self, items: Items) -> Extraction:
        return Extraction(str(items[0]), _text(items[2]) if len(items) > 1 else str(items[0]))

    def named_label(self, items: Items) -> NamedLabel:
        if isinstance(items[0], Matcher):
            return NamedLabel(items[0].name, items[0])
        return NamedLabel(str(items[0]))

    def named_labels(self, items: Items) -> tuple[NamedLabel, ...]:
        return tuple(item for item in items if isinstance(item, NamedLabel))

    def drop(self, items: Items) -> DropLabels:
        return DropLabels(items[1])

    def keep(self, items: Items) -> KeepLabels:
        return KeepLabels(items[1])

    # -- label filters

    def text_filter(self, items: Items) -> TextFilter:
        return TextFilter(items[0])

    def ip_filter(self, items: Items) -> IpFilter:
        return IpFilter(str(items[0]), str(items[1]), _text(items[4]))

    def duration_filter(self, items: Items) -> DurationFilter:
        return DurationFilter(str(items[0]), _comparison(items[1]), items[2].value)

    def bytes_filter(self, items: Items) -> BytesFilter:
        return BytesFilter(str(items[0]), _comparison(items[1]), items[2].value)

    def number_filter(self, items: Items) -> NumberFilter:
        return NumberFilter(str(items[0]), _comparison(items[1]), items[2].value)

    def filter_join(self, items: Items) -> str:
        return str(items[0]).lower()

    def label_filter(self, items: Items) -> Filter:
        return _joined_filters(items)

    # -- ranges

    def offset(self, items: Items) -> int:
        value: int = items[1].value
        return value

    def unwrap(self, items: Items) -> Unwrap:
        if len(items) == 3:
            return Unwrap(str(items[2]))
        return Unwrap(str(items[4]), str(items[2]).lower())

    def unwrap_filter(self, items: Items) -> Unwrap:
        unwrap, _, condition = items
        check_stage(LabelFilter(condition))
        return Unwrap(unwrap.label, unwrap.conversion, (*unwrap.filters, condition))

    def log_range(self, items: Items) -> LogRange:
        selector = next(item for item in items if isinstance(item, LogSelector))
        stages = next((item for item in items if isinstance(item, tuple)), ())
        length = next(item for item in items if isinstance(item, Token) and item.type == "RANGE")
        offset = next((item for item in items if isinstance(item, int)), 0)
        unwrap = next((item for item in items if isinstance(item, Unwrap)), None)
        return LogRange(check_selector(LogSelector(selector.matchers, stages)), length.value, offset, unwrap)

    # -- metric expressions

    def literal(self, items: Items) -> Literal:
        value = _number(items[-1])
        return Literal(-value if str(items[0]) == "-" else value)

    def vector(self, items: Items) -> VectorLiteral:
        return VectorLiteral(_number(items[2]))

    def label_names(self, items: Items) -> list[str]:
        return [str(item) for item in items if item.type == "IDENTIFIER"]

    def grouping(self, items: Items) -> Grouping:
        return Grouping(tuple(items[1]), str(items[0]).lower() == "without")

    def range_aggregation(self, items: Items) -> RangeAggregation:
        op = str(items[0]).lower()
        parameter = next((item for item in items if isinstance(item, Token) and item.type == "NUMBER"), None)
        span = next(item for item in items if isinstance(item, LogRange))
        grouping = next((item for item in items if isinstance(item, Grouping)), None)
        return check_range_aggregation(op, span, grouping, None if parameter is None else str(parameter))

    def vector_aggregation(self, items: Items) -> VectorAggregation:
        op = str(items[0]).lower()
        parameter = next((item for item in items if isinstance(item, Token) and item.type == "NUMBER"), None)
        grouping = next((item for item in items if isinstance(item, Grouping)), None)
        operand = next(item for item in items if not isinstance(item, Token | Grouping))
        if isinstance(operand, LogSelector):
            raise ParseError(f"unexpected type for the operand of {op}: a log query is no vector")
        value = vector_parameter(op, None if parameter is None else str(parameter), grouping)
        return VectorAggregation(op, operand, grouping, value)

    def label_replace(self, items: Items) -> LabelReplace:
        target, replacement, source, pattern = (_text(item) for item in items[4:11:2])
        if isinstance(items[2], LogSelector):
            raise ParseError("unexpected type for the operand of label_replace: a log query is no vector")
        try:
            compile_anchored(pattern)
        except InvalidInput as error:
            raise ParseError(f"invalid regex in label_replace: {_regexp_problem(error)}") from error
        return LabelReplace(items[2], target, replacement, source, pattern)

    def group(self, items: Items) -> tuple[Cardinality, tuple[str, ...]]:
        return Cardinality(str(items[0]).lower()), tuple(items[1]) if len(items) > 1 else ()

    def matching(self, items: Items) -> Matching:
        on, labels = str(items[0]).lower() == "on", tuple(items[1])
        cardinality, include = items[2] if len(items) > 2 else (Cardinality.ONE_TO_ONE, ())
        return Matching(on, labels, cardinality, include)

    def modifiers(self, items: Items) -> tuple[bool, Matching]:
        matching = next((item for item in items if isinstance(item, Matching)), Matching())
        return any(isinstance(item, Token) for item in items), matching

    def binary(self, items: Items) -> Any:
        lhs, operator, (returns_bool, matching), rhs = items
        op = str(operator).lower()
        _refuse_operands(op, lhs, rhs)
        if isinstance(lhs, Literal) and isinstance(rhs, Literal):
            return Literal(fold(op, lhs.value, rhs.value))
        return Binary(op, lhs, rhs, matching, returns_bool)


def _text(token: Token) -> str:
    value: str = token.value
    return value


def _comparison(token: Token) -> str:
    return "==" if str(token) == "=" else str(token)


def _number(token: Token) -> float:
    try:
        return parse_float(str(token))
    except ValueError as error:
        raise ParseError(f"unable to parse literal as a float: {error}") from error


def _joined_filters(items: Items) -> Filter:
    """Filters of a stage joined as Loki's grammar joins them.

    `and` binds closer than `or`; a comma, or nothing, joins everything before it that is still open with
    everything after it.
    """
    operands: list[Filter] = []
    joins: list[str] = []
    expects_join = False
    for item in items:
        if isinstance(item, str) and item in ("and", "or", ","):
            _reduce(operands, joins, item)
            joins.append(item)
            expects_join = False
            continue
        if expects_join:
            joins.append(",")
        operands.append(item)
        expects_join = True
    while joins:
        _reduce_last(operands, joins)
    return operands[0]


def _reduce(operands: list[Filter], joins: list[str], coming: str) -> None:
    ranks = {"or": 1, "and": 2}
    while joins and coming in ranks and joins[-1] in ranks and ranks[joins[-1]] >= ranks[coming]:
        _reduce_last(operands, joins)


def _reduce_last(operands: list[Filter], joins: list[str]) -> None:
    rhs, lhs = operands.pop(), operands.pop()
    operands.append(FilterPair(lhs, rhs, both=joins.pop() != "or"))


def _refuse_operands(op: str, lhs: Any, rhs: Any) -> None:
    for side, operand in (("left", lhs), ("right", rhs)):
        if isinstance(operand, LogSelector):
            kind = "*syntax.PipelineExpr" if operand.stages else "*syntax.MatchersExpr"
            raise ParseError(f"unexpected type for {side} leg of binary operation ({op}): {kind}")
    if op in SET_OPERATORS:
        for side, operand in (("left", lhs), ("right", rhs)):
            if isinstance(operand, Literal):
                problem = f"unexpected literal for {side} leg of logical/set binary operation ({op})"
                raise ParseError(f"{problem}: {operand.value:f}")


def _regexp_problem(error: InvalidInput) -> str:
    """What RE2 said."""
    said = error.__cause__.args[0] if error.__cause__ is not None and error.__cause__.args else str(error)
    what, colon, which = (said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)).partition(": ")
    return f"error parsing regexp: {what}{colon}" + (f"`{which}`" if which else "")
