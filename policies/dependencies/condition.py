"""Conditions of acceptances: comparisons of PromQL queries with numbers, all of which must hold.

`sum(rate(http_requests_total{service="shop"}[5m])) < 1 and sum(up{service="shop"}) <= 2` is two comparisons. Each
query is asked by itself, because PromQL answers "not so" and "no data" alike, with nothing; here no data is no proof.
"""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from telemetry.model.errors import TelemetryError
from telemetry.model.labels import Labels
from telemetry.promql.ast import Binary, Expr, NumberLiteral, Paren, Unary
from telemetry.promql.errors import ParseError
from telemetry.promql.parser import parse
from telemetry.promql.printer import to_text

MOST_COMPARISONS: Final = 10
_HOLDS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

Ask = Callable[[str], Sequence[tuple[Labels, float]]]
"""Samples of an instant query now. Raises TelemetryError."""


class InvalidCondition(ValueError):
    """A condition that cannot be evaluated; the message says why."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`query` `operator` `threshold`."""

    query: str
    operator: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Evaluated:
    """`holds` is None where it could not be found out; `words` are the values, or why there are none."""

    holds: bool | None
    words: str


def read_condition(text: str) -> list[Comparison]:
    """The comparisons of a condition. Raises InvalidCondition."""
    try:
        comparisons = [_comparison(part) for part in _parts(parse(text))]
    except (ParseError, TelemetryError) as error:
        raise InvalidCondition(f"the condition is not understood: {error}") from error
    if len(comparisons) > MOST_COMPARISONS:
        raise InvalidCondition(f"the condition has {len(comparisons)} comparisons; the limit is {MOST_COMPARISONS}")
    return comparisons


def evaluate(comparisons: Sequence[Comparison], ask: Ask) -> Evaluated:
    """Whether all hold. One that does not breaks the condition, whatever could not be found out about the others."""
    results = [_evaluated(each, ask) for each in comparisons]
    broken = [each for each in results if each.holds is False]
    doubtful = [each for each in results if each.holds is None]
    decisive = broken or doubtful or results
    holds = False if broken else None if doubtful else True
    return Evaluated(holds, "; ".join(each.words for each in decisive))


def _parts(expr: Expr) -> list[Expr]:
    """What `and` joins at the top."""
    while isinstance(expr, Paren):
        expr = expr.expr
    if isinstance(expr, Binary) and expr.op == "and":
        return [*_parts(expr.lhs), *_parts(expr.rhs)]
    return [expr]


def _comparison(expr: Expr) -> Comparison:
    if not isinstance(expr, Binary) or expr.op not in _HOLDS or (threshold := _number(expr.rhs)) is None:
        raise InvalidCondition(f"{to_text(expr)} is no comparison with a number, such as `QUERY < 1`")
    return Comparison(to_text(expr.lhs), expr.op, threshold)


def _number(expr: Expr) -> float | None:
    if isinstance(expr, Paren):
        return _number(expr.expr)
    if isinstance(expr, Unary) and (value := _number(expr.expr)) is not None:
        return -value if expr.op == "-" else value
    return expr.value if isinstance(expr, NumberLiteral) else None


def _evaluated(comparison: Comparison, ask: Ask) -> Evaluated:
    try:
        values = [value for _, value in ask(comparison.query)]
    except TelemetryError as error:
        return Evaluated(None, f"{comparison.query}: {error}")
    if not values or any(math.isnan(value) for value in values):
        return Evaluated(None, f"{comparison.query}: {'not a number' if values else 'no data'}")
    compare = _HOLDS[comparison.operator]
    wrong = [value for value in values if not compare(value, comparison.threshold)]
    shown = wrong[0] if wrong else values[0]
    limit = f"{comparison.operator} {comparison.threshold:g}"
    return Evaluated(not wrong, f"{comparison.query} is {shown:g}, {'not ' if wrong else ''}{limit}")
