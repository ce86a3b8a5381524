"""Which parts of a query have the same value at every evaluation time, so that they are computed once."""

from typing import Final

from telemetry.promql.ast import (
    Aggregate,
    Call,
    Expr,
    NumberLiteral,
    StringLiteral,
    Subquery,
    VectorSelector,
    children,
    post_order,
)
from telemetry.promql.dates import DATE_FUNCTIONS

_TIME_DEPENDENT: Final = DATE_FUNCTIONS | {"predict_linear", "time", "timestamp"}
"""Functions whose result depends on the evaluation time even if their arguments do not."""


def invariant_nodes(expr: Expr) -> frozenset[int]:
    """id() of the nodes worth computing once: what is fixed by @, but no plain literals."""
    fixed: dict[int, bool] = {}
    for node in post_order(expr):
        fixed[id(node)] = _is_fixed(node, fixed)
    literals = (NumberLiteral, StringLiteral)
    return frozenset(id(node) for node in post_order(expr) if fixed[id(node)] and not isinstance(node, literals))


def _is_fixed(node: Expr, fixed: dict[int, bool]) -> bool:
    match node:
        case VectorSelector() | Subquery():
            return node.at is not None
        case Call():
            return node.function not in _TIME_DEPENDENT and all(fixed[id(arg)] for arg in node.args)
        case Aggregate():
            return fixed[id(node.expr)]  # whatever the parameter, as Prometheus has it
        case _:
            return all(fixed[id(child)] for child in children(node))
