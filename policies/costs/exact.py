"""Sums and shares of money that lose nothing.

Python's default context keeps 28 digits; amounts of a bill have up to 38, so everything here adds in a wider
context that raises rather than round.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Final

ZERO: Final = Decimal(0)
PLACE: Final = Decimal(1).scaleb(-18)
"""Smallest amount that is kept."""
CENT: Final = Decimal("0.01")

EXACT: Final = Context(prec=120, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_ROUNDING: Final = Context(prec=120, rounding=ROUND_HALF_EVEN)
_CUTTING: Final = Context(prec=120, rounding=ROUND_DOWN)


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """Sum without rounding."""
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def product(left: Decimal, right: Decimal) -> Decimal:
    """left * right, rounded half to even at 18 places."""
    return EXACT.multiply(left, right).quantize(PLACE, context=_ROUNDING)


def unit_price(cost: Decimal, quantity: Decimal) -> Decimal:
    """cost / quantity, rounded half to even at 18 places. Raises DivisionByZero."""
    return _ROUNDING.divide(cost, quantity).quantize(PLACE, context=_ROUNDING)


def ratio(part: Decimal, whole: Decimal) -> float | None:
    """part / whole for display, None where whole is zero."""
    return float(part / whole) if whole else None


def shares(amount: Decimal, weights: Sequence[int]) -> list[Decimal]:
    """`amount` divided by whole-number weights; the parts add up to it exactly, the last one takes the rest.

    Raises ValueError without a positive weight.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError(f"weights must be positive in sum and never negative, not {list(weights)}")
    last = max(index for index, weight in enumerate(weights) if weight)
    parts = [_CUTTING.divide(EXACT.multiply(amount, Decimal(weight)), Decimal(total)) for weight in weights]
    parts = [part.quantize(PLACE, context=_CUTTING) for part in parts]
    parts[last] = EXACT.subtract(amount, exact_sum(part for index, part in enumerate(parts) if index != last))
    return parts


def rounded_to_cents(amounts: Sequence[Decimal]) -> list[Decimal]:
    """Amounts in whole cents whose sum is the sum of `amounts` rounded half to even.

    Largest remainder: each is cut down to the cent, then the cents that are missing go to the largest
    remainders, earlier entries first. No entry moves by a cent or more.
    """
    total = exact_sum(amounts).quantize(CENT, context=_ROUNDING)
    floors = [_floor_to_cent(amount) for amount in amounts]
    missing = int(EXACT.divide(EXACT.subtract(total, exact_sum(floors)), CENT))
    remainders = [EXACT.subtract(amount, floor) for amount, floor in zip(amounts, floors, strict=True)]
    ranked = sorted(range(len(amounts)), key=lambda index: (-remainders[index], index))
    for index in ranked[:missing]:
        floors[index] = EXACT.add(floors[index], CENT)
    return floors


def _floor_to_cent(amount: Decimal) -> Decimal:
    cut = amount.quantize(CENT, context=_CUTTING)
    return EXACT.subtract(cut, CENT) if cut > amount else cut
