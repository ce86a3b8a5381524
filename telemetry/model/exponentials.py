"""Powers and logarithms of two, digit for digit as Go computes them, and the bucket bounds that follow from them.

The bounds of native histograms are by definition what this arithmetic gives, not the correctly rounded powers.
"""

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_COEFFICIENTS: Final = (
    1.66666666666666657415e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)
"""Of the rational approximation of e ** r by FreeBSD's msun, which Go has taken over."""


def exp2(x: float) -> float:
    """2 ** x for finite x."""
    if x > 1023.9999999999999:
        return math.inf
    if x < -1074.0:
        return 0.0
    whole = int(x + math.copysign(0.5, x))
    rest = x - whole
    high, low = rest * _LN2_HIGH, -rest * _LN2_LOW
    r = high - low
    square = r * r
    p1, p2, p3, p4, p5 = _COEFFICIENTS
    c = r - square * (p1 + square * (p2 + square * (p3 + square * (p4 + square * p5))))
    return math.ldexp(1 - ((low - (r * c) / (2 - c)) - high), whole)


def log2(x: float) -> float:
    """Logarithm of a positive x; exact for powers of two."""
    if x == 0 or math.isinf(x):
        return -math.inf if x == 0 else math.inf
    fraction, exponent = math.frexp(x)
    if fraction == 0.5:
        return float(exponent - 1)
    return math.log(fraction) * (1 / math.log(2)) + exponent


@cache
def bucket_fractions(schema: int) -> NDArray[np.float64]:
    """Bounds of one power of two in a schema of 0 to 8: float64[2 ** schema] from 0.5 on, below 1."""
    if schema == 0:
        return np.array([0.5])
    factor = exp2(exp2(-schema))
    fractions: list[float] = []
    for coarse in bucket_fractions(schema - 1).tolist():
        fractions += [coarse, coarse * factor]
    return np.array(fractions)
