"""Binary operators between scalars and vectors; `matching` pairs the series of two vectors."""

from dataclasses import replace

import numpy as np

from telemetry.promql import histogram_operators
from telemetry.promql.ast import COMPARISONS, SET_OPERATORS, Binary
from telemetry.promql.elementwise import ARITHMETIC, COMPARE
from telemetry.promql.histogram_operators import Operands
from telemetry.promql.matching import match_vectors
from telemetry.promql.run import Run
from telemetry.promql.sets import combine_sets
from telemetry.promql.values import Floats, Scalar, Value, Vector, merge_rows


def apply(run: Run, node: Binary, lhs: Value, rhs: Value) -> Value:
    """Value of `lhs op rhs`. Raises EvaluationError where series do not pair up."""
    match lhs, rhs:
        case Scalar(), Scalar():
            return Scalar(_scalars(node.op, lhs.values, rhs.values))
        case Vector(), Scalar():
            return _with_scalar(run, node, lhs, rhs.values, scalar_first=False)
        case Scalar(), Vector():
            return _with_scalar(run, node, rhs, lhs.values, scalar_first=True)
        case Vector(), Vector():
            return combine_sets(node, lhs, rhs) if node.op in SET_OPERATORS else match_vectors(run, node, lhs, rhs)
    raise TypeError(f"{node.op} between {type(lhs).__name__} and {type(rhs).__name__}")


def _scalars(op: str, lhs: Floats, rhs: Floats) -> Floats:
    if op in COMPARISONS:
        return COMPARE[op](lhs, rhs).astype(np.float64)
    return ARITHMETIC[op](lhs, rhs)


def _with_scalar(run: Run, node: Binary, operand: Vector, scalar: Floats, *, scalar_first: bool) -> Vector:
    """A vector with a number on one side. A comparison keeps the vector's values, whichever side it is on."""
    if operand.histograms is not None:
        return _with_histograms(run, node, operand, scalar, scalar_first=scalar_first)
    lhs, rhs = (scalar, operand.values) if scalar_first else (operand.values, scalar)
    if node.op not in COMPARISONS:
        return _renamed(run, replace(operand, values=ARITHMETIC[node.op](lhs, rhs), ordered=False))
    holds = COMPARE[node.op](lhs, rhs)
    if node.returns_bool:
        return _renamed(run, replace(operand, values=holds.astype(np.float64), ordered=False))
    return replace(operand, present=operand.present & holds, ordered=False).compact()


def _with_histograms(run: Run, node: Binary, operand: Vector, scalar: Floats, *, scalar_first: bool) -> Vector:
    """As `_with_scalar`: floats on their own, then the histograms in their places."""
    sides = (scalar, operand.values, None, operand.histograms)
    operands = Operands(*sides) if scalar_first else Operands(sides[1], sides[0], sides[3], sides[2])
    cells, holds, native = histogram_operators.apply(run, node, operands, operand.present)
    values, kept = operand.values, np.ones(operand.present.shape, dtype=np.bool_)
    if node.op not in COMPARISONS:
        values = ARITHMETIC[node.op](operands.left, operands.right)
    elif node.returns_bool:
        values = COMPARE[node.op](operands.left, operands.right).astype(np.float64)
    else:
        kept = COMPARE[node.op](operands.left, operands.right)
    present = operand.present & np.where(native, holds, kept)
    result = replace(operand, values=values, present=present, histograms=cells, ordered=False).compact()
    return result if node.op in COMPARISONS and not node.returns_bool else _renamed(run, result)


def _renamed(run: Run, result: Vector) -> Vector:
    delayed = run.options.delayed_name_removal
    renamed = result.renamed(delayed=delayed)
    return renamed if delayed else merge_rows(renamed)
