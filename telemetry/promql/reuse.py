"""Which range queries can be answered for one time without regard to the others, so that old answers can be kept."""

from telemetry.promql.ast import (
    Aggregate,
    Call,
    Duration,
    DurationOp,
    DurationOperation,
    Expr,
    MatrixSelector,
    Subquery,
    VectorSelector,
    post_order,
    without_parens,
)
from telemetry.promql.durations import duration_ms

_BY_ARRIVAL = frozenset({"topk", "bottomk", "limitk"})
"""Of equal samples they choose by the order of series, which only selectors keep whatever the range."""


def look_ahead_ms(expr: Expr, step_ms: int) -> int | None:
    """How far after its time an evaluation may look at most; None where answers at one time depend on other times.

    Those are: `@`, which names a time of its own, `range()`, and rankings of what is not a selector's own series.
    """
    ahead = 0
    for node in post_order(expr):
        if not _stands_alone(node):
            return None
        if isinstance(node, VectorSelector | Subquery) and node.offset is not None:
            ahead += max(0, -duration_ms(node.offset, step_ms=step_ms, range_ms=0, negative=True))
    return ahead


def _stands_alone(node: Expr) -> bool:
    match node:
        case VectorSelector():
            return node.at is None and not _names_range(node.offset)
        case MatrixSelector():
            return not _names_range(node.range)
        case Subquery():
            return node.at is None and not any(map(_names_range, (node.range, node.step, node.offset)))
        case Aggregate():
            return node.op not in _BY_ARRIVAL or _keeps_order(without_parens(node.expr))
    return True


def _names_range(duration: Duration | None) -> bool:
    if not isinstance(duration, DurationOperation):
        return False
    return duration.op is DurationOp.RANGE or _names_range(duration.lhs) or _names_range(duration.rhs)


def _keeps_order(expr: Expr) -> bool:
    """Whether rows stand in the order of a selector's series."""
    if isinstance(expr, Call):
        return any(isinstance(without_parens(argument), MatrixSelector) for argument in expr.args)
    return isinstance(expr, VectorSelector)
