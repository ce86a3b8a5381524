"""Operators between numbers, for all samples at once. Division by zero is NaN, as in Loki."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def _divide(lhs: Floats, rhs: Floats) -> Floats:
    return np.where(rhs == 0, np.nan, lhs / rhs)


def _remainder(lhs: Floats, rhs: Floats) -> Floats:
    return np.where(rhs == 0, np.nan, np.fmod(lhs, rhs))


ARITHMETIC: Final[dict[str, Callable[[Floats, Floats], Floats]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _divide,
    "%": _remainder,
    "^": np.power,
}
COMPARE: Final[dict[str, Callable[[Floats, Floats], Mask]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def fold(op: str, lhs: float, rhs: float) -> float:
    """Value of `lhs op rhs` of two literals; a comparison is 1 or 0."""
    left, right = np.array([lhs]), np.array([rhs])
    with np.errstate(all="ignore"):
        result = COMPARE[op](left, right) if op in COMPARE else ARITHMETIC[op](left, right)
    return float(result[0])
