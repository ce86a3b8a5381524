"""Syntax trees back to text: on one line as Prometheus prints them, or broken over lines where that gets long."""

from collections.abc import Iterator
from typing import Final

from telemetry.model.labels import METRIC_NAME, Matcher, MatchOp
from telemetry.promql.ast import (
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
    StringLiteral,
    Subquery,
    Unary,
    VectorMatching,
    VectorSelector,
)
from telemetry.promql.durations import format_duration_ms
from telemetry.promql.label_names import is_plain_label_name
from telemetry.syntax.numbers import format_float
from telemetry.syntax.quoting import quote

LINE_LENGTH: Final = 100
_DEEPEST_INDENT: Final = 50
"""A chain of n operators is indented n levels; beyond this it is not, so that the text stays linear in n."""

Part = str | Expr


def to_text(expr: Expr) -> str:
    """The expression on one line, in canonical spelling; parses to the same tree but for positions."""
    return "".join(_pieces(expr))


def prettify(expr: Expr) -> str:
    """The expression with lines of at most about 100 characters, as Prometheus' format_query lays it out."""
    pieces: list[str] = []
    stack: list[str | tuple[Expr, int]] = [(expr, 0)]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
        else:
            stack.extend(reversed(_pretty_parts(*item)))
    return "".join(pieces)


def _pieces(expr: Expr) -> Iterator[str]:
    stack: list[Part] = [expr]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            yield part
        else:
            stack.extend(reversed(_parts(part)))


def _is_long(expr: Expr) -> bool:
    length = 0
    for piece in _pieces(expr):
        length += len(piece)
        if length > LINE_LENGTH:
            return True
    return False


def _parts(expr: Expr) -> list[Part]:
    """Text of one node around its children."""
    match expr:
        case NumberLiteral() | StringLiteral():
            return [_literal(expr)]
        case VectorSelector():
            return [_selector(expr), _at(expr.at), _offset(expr.offset)]
        case MatrixSelector():
            inner = expr.selector
            return [_selector(inner), f"[{duration_text(expr.range)}]", _at(inner.at), _offset(inner.offset)]
        case Subquery():
            return [expr.expr, _subquery_suffix(expr)]
        case Call():
            return [f"{expr.function}(", *_separated(expr.args), ")"]
        case Aggregate():
            return [f"{_aggregation(expr)}(", *_separated(_arguments(expr)), ")"]
        case Binary():
            return [expr.lhs, f" {_operator(expr)} ", expr.rhs]
        case Unary():
            return [expr.op, expr.expr]
        case Paren():
            return ["(", expr.expr, ")"]


def _pretty_parts(expr: Expr, level: int) -> list[str | tuple[Expr, int]]:
    indent = _indent(level)
    if isinstance(expr, Unary):
        return [indent, expr.op, _pretty_operand(expr, indent)]
    if isinstance(expr, VectorSelector | MatrixSelector | NumberLiteral | StringLiteral) or not _is_long(expr):
        return [indent, to_text(expr)]
    match expr:
        case Subquery():
            return [(expr.expr, level), _subquery_suffix(expr)]
        case Call():
            return [f"{indent}{expr.function}(\n", *_lines(expr.args, level + 1), f"\n{indent})"]
        case Aggregate():
            return [f"{indent}{_aggregation(expr)}(\n", *_lines(_arguments(expr), level + 1), f"\n{indent})"]
        case Paren():
            return [f"{indent}(\n", (expr.expr, level + 1), f"\n{indent})"]
        case Binary():
            return [(expr.lhs, level + 1), f"\n{indent}{_operator(expr)}\n", (expr.rhs, level + 1)]


def _pretty_operand(expr: Unary, indent: str) -> str:
    """Operand of a sign, perhaps over several lines, its first line without indent."""
    first, *others = prettify(expr.expr).split("\n")
    return "\n".join([first.strip(), *(indent + line for line in others)])


def _indent(level: int) -> str:
    return "  " * min(level, _DEEPEST_INDENT)


def _lines(args: tuple[Expr, ...], level: int) -> list[str | tuple[Expr, int]]:
    parts: list[str | tuple[Expr, int]] = []
    for position, arg in enumerate(args):
        parts.extend([",\n"] if position else [])
        parts.append((arg, level))
    return parts


def _separated(args: tuple[Expr, ...]) -> list[Part]:
    parts: list[Part] = []
    for position, arg in enumerate(args):
        parts.extend([", ", arg] if position else [arg])
    return parts


def _literal(expr: NumberLiteral | StringLiteral) -> str:
    if isinstance(expr, StringLiteral):
        return quote(expr.value)
    return format_duration_ms(round(expr.value * 1000)) if expr.as_duration else format_float(expr.value)


def _arguments(expr: Aggregate) -> tuple[Expr, ...]:
    return (expr.expr,) if expr.param is None else (expr.param, expr.expr)


def _aggregation(expr: Aggregate) -> str:
    if expr.without:
        return f"{expr.op} without ({_labels(expr.grouping)}) "
    return f"{expr.op} by ({_labels(expr.grouping)}) " if expr.grouping else expr.op


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(name if is_plain_label_name(name) else quote(name) for name in names)


def _operator(expr: Binary) -> str:
    return expr.op + (" bool" if expr.returns_bool else "") + _matching(expr.matching)


def _matching(matching: VectorMatching) -> str:
    grouped = matching.cardinality in (Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY)
    text = ""
    if matching.labels or matching.on or grouped:
        text = f" {'on' if matching.on else 'ignoring'} ({_labels(matching.labels)})"
    if grouped:
        side = "left" if matching.cardinality is Cardinality.MANY_TO_ONE else "right"
        text += f" group_{side} ({_labels(matching.include)})"
    return text


def _selector(expr: VectorSelector) -> str:
    shown = [matcher for matcher in expr.matchers if not _is_name(matcher, expr.name)]
    return expr.name + ("{" + ",".join(sorted(map(_matcher, shown))) + "}" if shown else "")


def _is_name(matcher: Matcher, name: str) -> bool:
    return bool(name) and matcher.name == METRIC_NAME and matcher.op is MatchOp.EQUAL and matcher.value == name


def _matcher(matcher: Matcher) -> str:
    name = matcher.name if is_plain_label_name(matcher.name) else quote(matcher.name)
    return f"{name}{matcher.op}{quote(matcher.value)}"


def _at(at: At | None) -> str:
    match at:
        case None:
            return ""
        case AtAnchor():
            return f" @ {at.value}"
        case int():
            return f" @ {at / 1000:.3f}"


def _offset(offset: Duration | None) -> str:
    if offset is None or (isinstance(offset, DurationNumber) and offset.seconds == 0):
        return ""
    return f" offset {duration_text(offset)}"


def _subquery_suffix(expr: Subquery) -> str:
    step = "" if expr.step is None else duration_text(expr.step)
    return f"[{duration_text(expr.range)}:{step}]{_at(expr.at)}{_offset(expr.offset)}"


def duration_text(duration: Duration) -> str:
    """Duration of a range, step or offset; a plain number is printed as a duration too."""
    if isinstance(duration, DurationNumber):
        return format_duration_ms(round(duration.seconds * 1000))
    return _operation(duration)


def _operation(operation: DurationOperation) -> str:
    text = _operation_body(operation)
    return f"({text})" if operation.wrapped else text


def _operation_body(operation: DurationOperation) -> str:
    op = operation.op
    if op in (DurationOp.STEP, DurationOp.RANGE):
        return f"{op}()"
    lhs = "" if operation.lhs is None else _operand(operation.lhs)
    rhs = "" if operation.rhs is None else _operand(operation.rhs)
    if op in (DurationOp.MIN, DurationOp.MAX):
        return f"{op}({lhs}, {rhs})"
    return f"{lhs} {op} {rhs}" if operation.lhs is not None else f"{'-' if op is DurationOp.SUB else ''}{rhs}"


def _operand(duration: Duration) -> str:
    if isinstance(duration, DurationNumber) and not duration.as_duration:
        return format_float(duration.seconds)
    return duration_text(duration)
