"""Functions and operators that look at one sample at a time."""

from collections.abc import Callable
from typing import Final

import numpy as np

from telemetry.promql.values import Floats, Mask


def _round_half_up(values: Floats, nearest: Floats) -> Floats:
    inverse = 1.0 / nearest
    return np.floor(values * inverse + 0.5) / inverse


def _sign(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


def larger(a: Floats, b: Floats) -> Floats:
    """Larger of two; +Inf beats NaN, which beats numbers, as in Go."""
    return np.where(np.isposinf(a) | np.isposinf(b), np.inf, np.maximum(a, b))


def smaller(a: Floats, b: Floats) -> Floats:
    """Smaller of two; -Inf beats NaN, which beats numbers, as in Go."""
    return np.where(np.isneginf(a) | np.isneginf(b), -np.inf, np.minimum(a, b))


UNARY_FUNCTIONS: Final[dict[str, Callable[[Floats], Floats]]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": lambda values: values * 180 / np.pi,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": lambda values: values * np.pi / 180,
    "sgn": _sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}

round_to: Final = _round_half_up

ARITHMETIC: Final[dict[str, Callable[[Floats, Floats], Floats]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}

COMPARE: Final[dict[str, Callable[[Floats, Floats], Mask]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
