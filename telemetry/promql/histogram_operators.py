"""Binary operators where one side or both are native histograms."""

from dataclasses import dataclass

import numpy as np

from telemetry.model.histograms import Cells, Histogram
from telemetry.promql import histogram_arithmetic as arithmetic
from telemetry.promql.ast import COMPARISONS, Binary
from telemetry.promql.run import Run
from telemetry.promql.values import Floats, Mask, holds_histogram, no_cells


@dataclass(frozen=True, slots=True)
class Operands:
    """The samples of both sides, pair by pair; [N, T] each or, of a number, [T]."""

    left: Floats
    right: Floats
    left_cells: Cells | None = None
    right_cells: Cells | None = None

    @property
    def are_floats(self) -> bool:
        return self.left_cells is None and self.right_cells is None


def apply(run: Run, node: Binary, operands: Operands, present: Mask) -> tuple[Cells, Mask, Mask]:
    """(histograms that result, where two sides of which one is a histogram give anything, where either is one).

    `present` is bool[N, T]: pairs that are there. A comparison holds or gives nothing. Only the last problem of each
    time is noted, as in Prometheus.
    """
    left, right = (
        no_cells(present.shape) if cells is None else cells for cells in (operands.left_cells, operands.right_cells)
    )
    native = present & (holds_histogram(left) | holds_histogram(right))
    cells, holds = no_cells(present.shape), np.zeros(present.shape, dtype=np.bool_)
    numbers = [np.broadcast_to(side, present.shape) for side in (operands.left, operands.right)]
    problems: dict[int, _Problem] = {}
    for place in zip(*(index.tolist() for index in np.nonzero(native)), strict=True):
        one = left[place] if left[place] is not None else float(numbers[0][place])
        other = right[place] if right[place] is not None else float(numbers[1][place])
        try:
            found = _operate(node.op, one, other)
        except _Problem as error:
            problems[place[1]] = error
            continue
        cells[place] = found
        holds[place] = found is not None
    for problem in problems.values():
        problem.note(run, node)
    return cells, holds, native


def comparable(node: Binary, operands: Operands, native: Mask) -> Mask:
    """Which pairs with a histogram a comparison has an answer for: two histograms by == and !=."""
    if operands.left_cells is None or operands.right_cells is None or node.op not in ("==", "!="):
        return np.zeros(native.shape, dtype=np.bool_)
    return native & holds_histogram(operands.left_cells) & holds_histogram(operands.right_cells)


class _Problem(Exception):
    """Two samples that the operator has no result for."""

    def __init__(self, types: tuple[str, str] | None) -> None:
        super().__init__()
        self.types = types
        """Of both sides; None if two histograms do not go together."""

    def note(self, run: Run, node: Binary) -> None:
        if self.types is None:
            run.notes.incompatible_layout(node, node.op)
        else:
            run.notes.incompatible_types(node, self.types[0], node.op, self.types[1])


def _operate(op: str, left: Histogram | float, right: Histogram | float) -> Histogram | None:
    """The histogram that results; for a comparison the left one if it holds, else None. Raises _Problem."""
    match left, right:
        case Histogram(), Histogram():
            return _of_two(op, left, right)
        case Histogram(), float() if op == "*":
            return arithmetic.compacted(arithmetic.multiply(left, right))
        case Histogram(), float() if op == "/":
            return arithmetic.compacted(arithmetic.divide(left, right))
        case float(), Histogram() if op == "*":
            return arithmetic.compacted(arithmetic.multiply(right, left))
    raise _Problem((_type_of(left), _type_of(right)))


def _of_two(op: str, left: Histogram, right: Histogram) -> Histogram | None:
    if op in ("==", "!="):
        return left if arithmetic.equals(left, right) == (op == "==") else None
    if op in COMPARISONS or op not in ("+", "-"):
        raise _Problem(("histogram", "histogram"))
    try:
        found = arithmetic.add(left, right) if op == "+" else arithmetic.subtract(left, right)
    except arithmetic.Incompatible as error:
        raise _Problem(None) from error
    return arithmetic.compacted(found)


def _type_of(side: Histogram | float) -> str:
    return "histogram" if isinstance(side, Histogram) else "float"
