"""From the grammar's reductions to the syntax tree; called by the parser as it goes, never by recursion."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lark import Token, Transformer

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME, Matcher, MatchOp
from telemetry.promql.ast import (
    SET_OPERATORS,
    Aggregate,
    At,
    AtAnchor,
    Binary,
    Call,
    Cardinality,
    Duration,
    DurationNumber,
    DurationOp,
    DurationOperation,
    Expr,
    MatrixSelector,
    NumberLiteral,
    Paren,
    Span,
    StringLiteral,
    Subquery,
    Unary,
    VectorMatching,
    VectorSelector,
)
from telemetry.promql.durations import parse_duration_ms
from telemetry.syntax.numbers import format_general, parse_number
from telemetry.syntax.quoting import unquote

Items = Sequence[Any]
AGGREGATORS_WITH_PARAMETER: Final = frozenset({"topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"})
_LARGEST_TIMESTAMP_MS: Final = 2**63 - 1


class Misplaced(Exception):
    """Something that the grammar allows and the language does not; carries its position."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


def _start(item: Any) -> int:
    return int(item.start_pos or 0) if isinstance(item, Token) else int(item.span.start)


def _end(item: Any) -> int:
    return int(item.end_pos or 0) if isinstance(item, Token) else int(item.span.end)


def _span(items: Items) -> Span:
    return Span(_start(items[0]), _end(items[-1]))


def _text_of(token: Token) -> str:
    """Name in a list of labels or matchers, quoted or not."""
    return _unquoted(token) if token.type == "STRING" else str(token)


def _unquoted(token: Token) -> str:
    try:
        return unquote(str(token))
    except ValueError as error:
        raise Misplaced(_start(token), str(error)) from error


def _number(token: Token) -> float:
    try:
        return parse_duration_ms(str(token)) / 1000 if token.type == "DURATION" else parse_number(str(token))
    except (ValueError, OverflowError) as error:
        raise Misplaced(_start(token), f"error parsing number: {str(token)[:100]!r}") from error
    except InvalidInput as error:
        raise Misplaced(_start(token), str(error)) from error


@dataclass(frozen=True, slots=True)
class _Labels:
    """Labels in parentheses, with the keyword that may stand before them."""

    names: tuple[str, ...]
    span: Span
    keyword: str = ""


@dataclass(frozen=True, slots=True)
class _Matchers:
    matchers: tuple[Matcher, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class _Arguments:
    args: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class _Modifiers:
    returns_bool: bool
    matching: VectorMatching | None


class Builder(Transformer[Token, Expr]):
    """One method a rule of grammar.lark. Raises Misplaced."""

    def start(self, items: Items) -> Any:
        return items[0]

    # -- literals and parentheses

    def number(self, items: Items) -> NumberLiteral:
        return NumberLiteral(_span(items), _number(items[0]))

    def duration_literal(self, items: Items) -> NumberLiteral:
        return NumberLiteral(_span(items), _number(items[0]), as_duration=True)

    def string(self, items: Items) -> StringLiteral:
        return StringLiteral(_span(items), _unquoted(items[0]))

    def paren(self, items: Items) -> Paren:
        return Paren(_span(items), items[1])

    # -- selectors

    def metric_name(self, items: Items) -> Any:
        return items[0]

    def matcher(self, items: Items) -> Matcher:
        name, op, value = items
        try:
            return Matcher(_text_of(name), MatchOp(str(op)), _unquoted(value))
        except InvalidInput as error:
            raise Misplaced(_start(name), f"error parsing regexp: {_regexp_problem(error)}") from error

    def quoted_name(self, items: Items) -> Matcher:
        return Matcher(METRIC_NAME, MatchOp.EQUAL, _unquoted(items[0]))

    def matchers(self, items: Items) -> "_Matchers":
        return _Matchers(tuple(item for item in items if isinstance(item, Matcher)), _span(items))

    def selector(self, items: Items) -> VectorSelector:
        name = str(items[0]) if isinstance(items[0], Token) else ""
        named = (Matcher(METRIC_NAME, MatchOp.EQUAL, name),) if name else ()
        listed = items[-1].matchers if isinstance(items[-1], _Matchers) else ()
        return VectorSelector(_span(items), name, (*named, *listed))

    # -- calls and aggregations

    def arguments(self, items: Items) -> _Arguments:
        return _Arguments(tuple(item for item in items if not isinstance(item, Token)), _span(items))

    def call(self, items: Items) -> Call:
        return Call(_span(items), str(items[0]), items[1].args)

    def labels(self, items: Items) -> _Labels:
        return _Labels(tuple(_text_of(item) for item in items if item.type in ("LABEL", "STRING")), _span(items))

    def grouping(self, items: Items) -> _Labels:
        names = items[1].names if len(items) == 2 else ()
        return _Labels(names, _span(items), str(items[0]).lower())

    group = grouping

    def aggregate(self, items: Items) -> Aggregate:
        operator = str(items[0]).lower()
        args = next(item.args for item in items if isinstance(item, _Arguments))
        grouping = next((item for item in items if isinstance(item, _Labels)), None)
        span = _span(items)
        parametric = operator in AGGREGATORS_WITH_PARAMETER
        _refuse_argument_count(span, given=len(args), wanted=2 if parametric else 1)
        return Aggregate(
            span,
            operator,
            args[-1],
            args[0] if parametric else None,
            grouping.names if grouping else (),
            grouping is not None and grouping.keyword == "without",
        )

    # -- operators

    def matching(self, items: Items) -> VectorMatching:
        on, labels = str(items[0]).lower() == "on", items[1].names
        if len(items) == 2:
            return VectorMatching(Cardinality.ONE_TO_ONE, on, labels)
        group = items[2]
        many = Cardinality.MANY_TO_ONE if group.keyword == "group_left" else Cardinality.ONE_TO_MANY
        return VectorMatching(many, on, labels, group.names)

    def modifiers(self, items: Items) -> _Modifiers:
        matching = next((item for item in items if isinstance(item, VectorMatching)), None)
        return _Modifiers(any(isinstance(item, Token) for item in items), matching)

    def binary(self, items: Items) -> Binary:
        lhs, operator, modifiers, rhs = items
        op = str(operator).lower()
        matching = modifiers.matching or VectorMatching()
        if op in SET_OPERATORS and matching.cardinality is Cardinality.ONE_TO_ONE:
            matching = VectorMatching(Cardinality.MANY_TO_MANY, matching.on, matching.labels)
        place = Span(_start(operator), _end(operator))
        return Binary(Span(_start(lhs), _end(rhs)), op, lhs, rhs, place, matching, modifiers.returns_bool)

    def signed(self, items: Items) -> Expr:
        sign, operand = items
        if isinstance(operand, NumberLiteral):
            value = -operand.value if sign == "-" else operand.value
            return NumberLiteral(_span(items), value, operand.as_duration)
        return Unary(_span(items), str(sign), operand)

    # -- @, offset, [range], [range:step]

    def instant(self, items: Items) -> tuple[Token, At]:
        token = items[-1]
        seconds = _number(token) * (-1 if items[0] == "-" else 1)
        if not abs(seconds * 1000) <= _LARGEST_TIMESTAMP_MS:
            raise Misplaced(_start(token), f"timestamp out of bounds for @ modifier: {format_general(seconds)}")
        return token, _round_half_away(seconds * 1000)

    def at(self, items: Items) -> Expr:
        operand, _, argument = items
        if isinstance(argument, Token):
            when: At = AtAnchor.START if argument.lower().startswith("start") else AtAnchor.END
            end = _end(argument)
        else:
            when, end = argument[1], _end(argument[0])
        return _with_modifier(operand, end, "@ modifier", "@ <timestamp>", at=when)

    def offset(self, items: Items) -> Expr:
        operand, token, duration = items
        return _with_modifier(operand, _end(token), "offset modifier", "offset", offset=duration)

    def range(self, items: Items) -> MatrixSelector:
        operand, bracket, duration, closing = items
        if not isinstance(operand, VectorSelector):
            raise Misplaced(_start(bracket), "ranges only allowed for vector selectors")
        if operand.offset is not None:
            raise Misplaced(_start(bracket), "no offset modifiers allowed before range")
        if operand.at is not None:
            raise Misplaced(_start(bracket), "no @ modifiers allowed before range")
        _refuse_constant_zero(duration)
        return MatrixSelector(Span(_start(operand), _end(closing)), operand, duration)

    def subquery(self, items: Items) -> Subquery:
        operand, _, duration, _, *step = items
        for part in (duration, *step[:-1]):
            _refuse_constant_zero(part)
        return Subquery(Span(_start(operand), _end(step[-1])), operand, duration, step[0] if len(step) == 2 else None)

    # -- durations

    def duration_number(self, items: Items) -> Duration:
        return DurationNumber(_number(items[0]), items[0].type == "DURATION", _start(items[0]))

    def duration_unary(self, items: Items) -> Duration:
        sign, operand = items
        if isinstance(operand, DurationNumber):
            return replace(operand, seconds=-operand.seconds) if sign == "-" else operand
        return DurationOperation(DurationOp(str(sign)), None, operand)

    def duration_binary(self, items: Items) -> Duration:
        lhs, op, rhs = items
        return DurationOperation(DurationOp(str(op)), lhs, rhs)

    def duration_paren(self, items: Items) -> Duration:
        inner = items[1]
        if isinstance(inner, DurationNumber):
            return inner
        return DurationOperation(inner.op, inner.lhs, inner.rhs, wrapped=True)

    def duration_word(self, items: Items) -> Duration:
        return DurationOperation(DurationOp.STEP if items[0].lower().startswith("step") else DurationOp.RANGE)

    def duration_function(self, items: Items) -> Duration:
        name, _, lhs, _, rhs, _ = items
        op = DurationOp.MIN if name.lower().startswith("min") else DurationOp.MAX
        return DurationOperation(op, lhs, rhs)


def _round_half_away(value: float) -> int:
    """Whole number nearest to `value`, ties away from zero, as Go's math.Round."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def _refuse_argument_count(span: Span, *, given: int, wanted: int) -> None:
    if not given:
        raise Misplaced(span.start, "no arguments for aggregate expression provided")
    if given != wanted:
        raise Misplaced(
            span.start, f"wrong number of arguments for aggregate expression provided, expected {wanted}, got {given}"
        )


def _refuse_constant_zero(duration: Duration) -> None:
    if isinstance(duration, DurationNumber) and duration.seconds <= 0:
        raise Misplaced(duration.position, "duration must be greater than 0")


def _with_modifier(operand: Any, end: int, what: str, name: str, **change: Any) -> Expr:
    """`operand` with an offset or @; raises Misplaced if it cannot carry one or has it already."""
    target = operand.selector if isinstance(operand, MatrixSelector) else operand
    if not isinstance(target, VectorSelector | Subquery):
        kinds = "an instant vector selector or range vector selector or a subquery"
        raise Misplaced(_start(operand), f"{what} must be preceded by {kinds}")
    (field,) = change
    if getattr(target, field) is not None:
        raise Misplaced(_start(operand), f"{name} may not be set multiple times")
    changed: Any = replace(target, **change, span=Span(target.span.start, max(target.span.end, end)))
    return replace(operand, selector=changed) if isinstance(operand, MatrixSelector) else changed


def _regexp_problem(error: InvalidInput) -> str:
    """What RE2 said."""
    said = error.__cause__.args[0] if error.__cause__ is not None and error.__cause__.args else str(error)
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
