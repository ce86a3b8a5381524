"""What function calls get from the evaluator, and what most of them do with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from telemetry.model.time import TimeGrid
from telemetry.promql.ast import Call, Expr, StringLiteral, without_parens
from telemetry.promql.run import Run
from telemetry.promql.values import Floats, RangeVector, Value, Vector, merge_rows


class Context(Protocol):
    """What calls need of the evaluator: values of arguments at the times of a grid."""

    @property
    def run(self) -> Run: ...

    def vector(self, expr: Expr, grid: TimeGrid) -> Vector: ...

    def scalar(self, expr: Expr, grid: TimeGrid) -> Floats:
        """float64[T]"""

    def range_vector(self, expr: Expr, grid: TimeGrid) -> RangeVector: ...


Handler = Callable[[Context, Call, TimeGrid], Value]


def renamed(context: Context, result: Vector) -> Vector:
    """Result of a function that changes what a series means: its name goes.

    Raises EvaluationError if series collide.
    """
    delayed = context.run.options.delayed_name_removal
    changed = replace(result, ordered=False).renamed(delayed=delayed)
    return changed if delayed else merge_rows(changed)


def text_of(expr: Expr) -> str:
    """Value of a string argument."""
    literal = without_parens(expr)
    if not isinstance(literal, StringLiteral):
        raise TypeError(f"{type(literal).__name__} is no string")
    return literal.value


def invalid_quantiles(quantiles: Floats) -> list[float]:
    """Those that are not between 0 and 1, once each."""
    wrong = quantiles[~((quantiles >= 0) & (quantiles <= 1))]
    distinct: list[float] = np.unique(wrong).tolist()
    return distinct
