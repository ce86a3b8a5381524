"""The tree of a query as JSON, node by node as Prometheus' own page asks for it.

Source: web/api/v1/translate_ast.go of Prometheus 3.5
"""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.prometheus.answers import prometheus_view, success
from dashboard.api.prometheus.params import query_text
from dashboard.api.prometheus.render import to_json
from telemetry.model.labels import Matcher
from telemetry.promql.ast import (
    SET_OPERATORS,
    Aggregate,
    AtAnchor,
    Binary,
    Call,
    Duration,
    Expr,
    MatrixSelector,
    NumberLiteral,
    Paren,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
)
from telemetry.promql.durations import duration_ms
from telemetry.promql.parser import parse
from telemetry.promql.signatures import SIGNATURES
from telemetry.promql.typecheck import value_type
from telemetry.syntax.numbers import format_float

_DEFAULT_STEP_MS: Final = 60_000
_TYPE_WORDS: Final = {
    ValueType.SCALAR: "scalar",
    ValueType.VECTOR: "vector",
    ValueType.MATRIX: "matrix",
    ValueType.STRING: "string",
}


@requires("query")
@prometheus_view("GET", "POST")
def parse_query(request: HttpRequest) -> HttpResponse:
    """/api/v1/parse_query"""
    return success(to_json(tree_of(parse(query_text(request)))))


def tree_of(expr: Expr) -> dict[str, Any]:
    """The node and everything below it; depth is limited by the parser."""
    match expr:
        case NumberLiteral():
            return {"type": "numberLiteral", "val": format_float(expr.value)}
        case StringLiteral():
            return {"type": "stringLiteral", "val": expr.value}
        case Paren():
            return {"type": "parenExpr", "expr": tree_of(expr.expr)}
        case Unary():
            return {"type": "unaryExpr", "op": expr.op, "expr": tree_of(expr.expr)}
        case VectorSelector():
            return {"type": "vectorSelector", "name": expr.name, **_selector(expr)}
        case MatrixSelector():
            selector = expr.selector
            return {"type": "matrixSelector", "name": selector.name, "range": _ms(expr.range), **_selector(selector)}
        case _:
            return _composed(expr)


def _composed(expr: Subquery | Call | Aggregate | Binary) -> dict[str, Any]:
    match expr:
        case Subquery():
            return {
                "type": "subquery",
                "expr": tree_of(expr.expr),
                "range": _ms(expr.range),
                "offset": _ms(expr.offset),
                "step": _ms(expr.step),
                **_at(expr),
            }
        case Call():
            return {"type": "call", "func": _function(expr.function), "args": [tree_of(arg) for arg in expr.args]}
        case Aggregate():
            return {
                "type": "aggregation",
                "op": expr.op,
                "expr": tree_of(expr.expr),
                "param": tree_of(expr.param) if expr.param is not None else None,
                "grouping": list(expr.grouping),
                "without": expr.without,
            }
        case Binary():
            return {
                "type": "binaryExpr",
                "op": expr.op,
                "lhs": tree_of(expr.lhs),
                "rhs": tree_of(expr.rhs),
                "matching": _matching(expr),
                "bool": expr.returns_bool,
            }


def _selector(selector: VectorSelector) -> dict[str, Any]:
    # the name before the braces comes last, as in the tree of Prometheus
    ordered = [*selector.matchers[1:], *selector.matchers[:1]] if selector.name else selector.matchers
    matchers = [_matcher(matcher) for matcher in ordered]
    return {"offset": _ms(selector.offset), "matchers": matchers, **_at(selector)}


def _matcher(matcher: Matcher) -> dict[str, str]:
    return {"name": matcher.name, "value": matcher.value, "type": matcher.op.value}


def _at(node: VectorSelector | Subquery) -> dict[str, Any]:
    if isinstance(node.at, AtAnchor):
        return {"timestamp": None, "startOrEnd": "start" if node.at is AtAnchor.START else "end"}
    return {"timestamp": node.at, "startOrEnd": None}


def _ms(duration: Duration | None) -> int:
    """Milliseconds; a duration that depends on the query is told for a step of one minute."""
    if duration is None:
        return 0
    return duration_ms(duration, step_ms=_DEFAULT_STEP_MS, range_ms=0, negative=True)


def _function(name: str) -> dict[str, Any]:
    signature = SIGNATURES[name]
    return {
        "name": name,
        "argTypes": [_TYPE_WORDS[kind] for kind in signature.args],
        "variadic": signature.optional,
        "returnType": _TYPE_WORDS[signature.returns],
    }


def _matching(expr: Binary) -> dict[str, Any] | None:
    vectors = all(value_type(side) is ValueType.VECTOR for side in (expr.lhs, expr.rhs))
    if not vectors:
        return None
    matching = expr.matching
    card = "many-to-many" if expr.op in SET_OPERATORS else matching.cardinality.value
    return {"card": card, "labels": list(matching.labels), "on": matching.on, "include": list(matching.include)}
