"""Evaluation of a checked syntax tree over a grid of times, all times at once."""

from dataclasses import replace

import numpy as np

from telemetry.model.time import TimeGrid
from telemetry.promql import aggregation, binary, histogram_groups, ranking, selection
from telemetry.promql.ast import (
    Aggregate,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    StringLiteral,
    Subquery,
    Unary,
    VectorSelector,
    operand_chain,
    without_parens,
)
from telemetry.promql.calls import evaluate_call
from telemetry.promql.context import invalid_quantiles, renamed, text_of
from telemetry.promql.histogram_arithmetic import multiply
from telemetry.promql.run import Run
from telemetry.promql.values import Floats, RangeVector, Scalar, Text, Value, Vector, no_cells, repeat


class Evaluator:
    """Recurses once a level of nesting, which the parser has limited; chains of operators are walked, not recursed.

    Raises EvaluationError, LimitExceeded, QueryTimeout.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def run(self) -> Run:
        return self._run

    def evaluate(self, expr: Expr, grid: TimeGrid) -> Value:
        """Value of `expr` at the times of the grid; a range vector is what its windows are over."""
        expr = without_parens(expr)
        self._run.check_time()
        if len(grid) > 1 and id(expr) in self._run.invariant:
            return self._once(expr, grid)
        match expr:
            case NumberLiteral():
                return Scalar(np.full(len(grid), expr.value))
            case StringLiteral():
                return Text(expr.value)
            case VectorSelector():
                return selection.instant_vector(self._run, expr, grid)
            case MatrixSelector() | Subquery():
                return self.range_vector(expr, grid)
            case Call():
                return evaluate_call(self, expr, grid)
            case Aggregate():
                return self._aggregate(expr, grid)
            case Unary():
                return self._unary(expr, grid)
            case Binary():
                return self._binary(expr, grid)
        raise TypeError(f"no evaluation of {type(expr).__name__}")

    def vector(self, expr: Expr, grid: TimeGrid) -> Vector:
        value = self.evaluate(expr, grid)
        if not isinstance(value, Vector):
            raise TypeError(f"{type(value).__name__} is no instant vector")
        return value

    def scalar(self, expr: Expr, grid: TimeGrid) -> Floats:
        """float64[T]"""
        value = self.evaluate(expr, grid)
        if not isinstance(value, Scalar):
            raise TypeError(f"{type(value).__name__} is no scalar")
        return value.values

    def range_vector(self, expr: Expr, grid: TimeGrid) -> RangeVector:
        expr = without_parens(expr)
        if isinstance(expr, Subquery):
            return self._subquery(expr, grid)
        if isinstance(expr, MatrixSelector):
            return selection.range_vector(self._run, expr, grid)
        raise TypeError(f"{type(expr).__name__} is no range vector")

    def _once(self, expr: Expr, grid: TimeGrid) -> Value:
        """What is fixed by @ is computed at the first time and shown at all."""
        value = self.evaluate(expr, TimeGrid(grid.start_ms, grid.start_ms, grid.step_ms))
        match value:
            case Vector():
                self._run.count_points(len(value) * len(grid))
                return repeat(value, len(grid))
            case Scalar():
                return Scalar(np.repeat(value.values, len(grid)))
            case RangeVector():
                return replace(value, ends_ms=np.repeat(value.ends_ms, len(grid)))
        return value

    def _subquery(self, expr: Subquery, grid: TimeGrid) -> RangeVector:
        inner_grid, ends, length = selection.subquery_grid(self._run, expr, grid)
        if inner_grid is None:
            return selection.no_samples(ends, length)
        self._run.count_points(len(inner_grid))
        return selection.vector_as_range(self.vector(expr.expr, inner_grid), inner_grid, ends, length)

    def _unary(self, expr: Unary, grid: TimeGrid) -> Value:
        value = self.evaluate(expr.expr, grid)
        if expr.op == "+":
            return value
        match value:
            case Vector():
                return renamed(self, _negative(value))
            case Scalar():
                return Scalar(-value.values)
        raise TypeError(f"no negative of {type(value).__name__}")

    def _binary(self, expr: Binary, grid: TimeGrid) -> Value:
        first, chain = operand_chain(expr)
        value = self.evaluate(first, grid)
        for node in chain:
            value = binary.apply(self._run, node, value, self.evaluate(node.rhs, grid))
            self._run.check_time()
        return value

    def _aggregate(self, expr: Aggregate, grid: TimeGrid) -> Value:
        operand = self.vector(expr.expr, grid)
        if expr.param is None:
            return histogram_groups.aggregate(self._run, expr, operand)
        if expr.op == "count_values":
            return aggregation.count_values(expr, operand, text_of(expr.param), self._run.count_points)
        parameter = self.scalar(expr.param, grid)
        operand = histogram_groups.usable(self._run, expr, operand)
        match expr.op:
            case "quantile":
                for wrong in _ends(invalid_quantiles(parameter)):
                    self._run.notes.invalid_quantile(expr.param, wrong)
                return aggregation.quantile(expr, operand, parameter)
            case "limitk":
                return ranking.first(expr, operand, parameter)
            case "limit_ratio":
                for ratio in _ends(np.unique(parameter[np.abs(parameter) > 1]).tolist()):
                    self._run.notes.invalid_ratio(expr.param, ratio)
                return ranking.share(operand, parameter)
        return ranking.extreme(expr, operand, parameter)


def _negative(value: Vector) -> Vector:
    if value.histograms is None:
        return replace(value, values=-value.values)
    native, cells = value.is_histogram, no_cells(value.histograms.shape)
    cells[native] = [multiply(histogram, -1.0) for histogram in value.histograms[native]]
    return replace(value, values=-value.values, histograms=cells)


def _ends(ascending: list[float]) -> list[float]:
    """The worst of what is wrong with a parameter: NaN, else the smallest if negative and the largest if positive."""
    nan = [value for value in ascending if value != value]
    negative = [value for value in ascending if value < 0]
    positive = [value for value in ascending if value > 0]
    return nan[:1] or [*negative[:1], *positive[-1:]]
