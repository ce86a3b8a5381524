"""Syntax tree to text: on one line, or laid out over several as Loki formats queries."""

from typing import Final

from telemetry.logql.ast import (
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
    LabelFilter,
    LabelFormat,
    LabelReplace,
    LineFilter,
    LineFormat,
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
from telemetry.logql.conversions import format_bytes, format_go_duration, format_range
from telemetry.model.labels import Matcher
from telemetry.syntax.numbers import format_float
from telemetry.syntax.quoting import quote

_WIDTH: Final = 100
"""Characters up to which an expression stays on one line."""
_INDENT: Final = "  "


def to_text(expr: Expr) -> str:
    """The query on one line; parses back to the same tree."""
    match expr:
        case LogSelector():
            return _selector(expr)
        case RangeAggregation():
            return _call(expr.op, None, _parameter(expr.parameter), _range(expr.range)) + _grouping(expr.grouping)
        case VectorAggregation():
            parameter = "" if expr.parameter is None else f"{expr.parameter},"
            return _call(expr.op, expr.grouping, parameter, to_text(expr.expr))
        case Binary():
            return f"({to_text(expr.lhs)} {_operator(expr)} {to_text(expr.rhs)})"
        case Literal():
            return format_float(expr.value)
        case VectorLiteral():
            return f"vector({format_float(expr.value)})"
        case LabelReplace():
            return f"label_replace({to_text(expr.expr)},{_replacement(expr)})"


def prettify(expr: Expr, level: int = 0) -> str:
    """The query laid out: what is longer than a line is broken after its brackets, operators and before its pipes."""
    margin = _INDENT * level
    text = to_text(expr)
    if len(text) + len(margin) <= _WIDTH:
        return margin + text
    match expr:
        case LogSelector():
            stages = "".join(f"\n{margin}{_INDENT}{_stage(stage)}" for stage in expr.stages)
            return margin + _matchers(expr.matchers) + stages
        case RangeAggregation():
            inner = _pretty_range(expr.range, level + 1)
            parameter = _parameter(expr.parameter)
            first = f"{margin}{_INDENT}{parameter}\n" if parameter else ""
            return f"{margin}{expr.op}(\n{first}{inner}\n{margin}){_grouping(expr.grouping)}"
        case VectorAggregation():
            parameter = "" if expr.parameter is None else f"{margin}{_INDENT}{expr.parameter},\n"
            head = f"{margin}{expr.op}{_grouping(expr.grouping)}"
            return f"{head}(\n{parameter}{prettify(expr.expr, level + 1)}\n{margin})"
        case Binary():
            lhs, rhs = prettify(expr.lhs, level + 1), prettify(expr.rhs, level + 1)
            return f"{margin}(\n{lhs}\n{margin}{_operator(expr)}\n{rhs}\n{margin})"
        case LabelReplace():
            rest = f"{margin}{_INDENT}{_replacement(expr)}"
            return f"{margin}label_replace(\n{prettify(expr.expr, level + 1)},\n{rest}\n{margin})"
    return margin + text


def _pretty_range(span: LogRange, level: int) -> str:
    selector = prettify(span.selector, level)
    unwrap = f"\n{_INDENT * (level + 1)}{_unwrap(span.unwrap)}" if span.unwrap else ""
    return f"{selector}{unwrap} [{format_range(span.range_ns)}]{_offset(span)}"


def _call(op: str, grouping: Grouping | None, parameter: str, operand: str) -> str:
    return f"{op}{_grouping(grouping)}({parameter}{operand})"


def _parameter(value: float | None) -> str:
    return "" if value is None else f"{format_float(value)},"


def _grouping(grouping: Grouping | None) -> str:
    if grouping is None:
        return ""
    return f" {'without' if grouping.without else 'by'} ({','.join(grouping.labels)})"


def _operator(expr: Binary) -> str:
    return " ".join(part for part in (expr.op, "bool" if expr.returns_bool else "", _matching(expr.matching)) if part)


def _matching(matching: Matching) -> str:
    if matching == Matching():
        return ""
    text = f"{'on' if matching.on else 'ignoring'} ({','.join(matching.labels)})"
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        return text
    return f"{text} {matching.cardinality} ({','.join(matching.include)})"


def _replacement(expr: LabelReplace) -> str:
    return ",".join(quote(text) for text in (expr.target, expr.replacement, expr.source, expr.pattern))


def _range(span: LogRange) -> str:
    unwrap = f" {_unwrap(span.unwrap)}" if span.unwrap else ""
    return f"{_selector(span.selector)}{unwrap}[{format_range(span.range_ns)}]{_offset(span)}"


def _offset(span: LogRange) -> str:
    return f" offset {format_go_duration(span.offset_ns)}" if span.offset_ns else ""


def _unwrap(unwrap: Unwrap) -> str:
    label = f"{unwrap.conversion}({unwrap.label})" if unwrap.conversion else unwrap.label
    return f"| unwrap {label}" + "".join(f" | {_filter(condition)}" for condition in unwrap.filters)


def _selector(selector: LogSelector) -> str:
    return " ".join([_matchers(selector.matchers), *(_stage(stage) for stage in selector.stages)])


def _matchers(matchers: tuple[Matcher, ...]) -> str:
    return "{" + ", ".join(_matcher(matcher) for matcher in matchers) + "}"


def _matcher(matcher: Matcher) -> str:
    return f"{matcher.name}{matcher.op}{quote(matcher.value)}"


def _stage(stage: Stage) -> str:  # noqa: C901 - a table
    match stage:
        case LineFilter():
            tests = (f"ip({quote(test.text)})" if test.is_ip else quote(test.text) for test in stage.tests)
            return f"{stage.op} {' or '.join(tests)}"
        case LabelFilter():
            return f"| {_filter(stage.filter)}"
        case JsonParser():
            return _words("json", _extractions(stage.extractions))
        case LogfmtParser():
            flags = ("--strict" if stage.strict else "", "--keep-empty" if stage.keep_empty else "")
            return _words("logfmt", *flags, _extractions(stage.extractions))
        case RegexpParser():
            return f"| regexp {_raw(stage.pattern)}"
        case PatternParser():
            return f"| pattern {_raw(stage.pattern)}"
        case UnpackParser():
            return "| unpack"
        case LineFormat():
            return f"| line_format {_raw(stage.template)}"
        case LabelFormat():
            changes = (f"{one.label}={one.value if one.renames else _raw(one.value)}" for one in stage.changes)
            return f"| label_format {','.join(changes)}"
        case Decolorize():
            return "| decolorize"
        case DropLabels():
            return f"| drop {_named(stage.labels)}"
        case KeepLabels():
            return f"| keep {_named(stage.labels)}"


def _words(*words: str) -> str:
    return "| " + " ".join(word for word in words if word)


def _extractions(extractions: tuple[Extraction, ...]) -> str:
    return ",".join(f"{one.label}={quote(one.expression)}" for one in extractions)


def _named(labels: tuple[NamedLabel, ...]) -> str:
    return ",".join(_matcher(one.matcher) if one.matcher else one.label for one in labels)


def _raw(text: str) -> str:
    """Between backquotes where that is possible, which spares the reader the escapes."""
    return quote(text) if "`" in text else f"`{text}`"


def _filter(condition: Filter) -> str:
    match condition:
        case TextFilter():
            return _matcher(condition.matcher)
        case NumberFilter():
            return f"{condition.label}{condition.op}{format_float(condition.value)}"
        case DurationFilter():
            return f"{condition.label}{condition.op}{format_go_duration(condition.value_ns)}"
        case BytesFilter():
            return f"{condition.label}{condition.op}{format_bytes(condition.value_bytes)}"
        case IpFilter():
            return f"{condition.label}{condition.op}ip({quote(condition.pattern)})"
        case FilterPair():
            return f"( {_filter(condition.lhs)} {'and' if condition.both else 'or'} {_filter(condition.rhs)} )"
