"""Amounts as text to exact decimals with 18 places.

Source: https://focus.finops.org/focus-specification/v1-0/#numeric-format (no thousands separators, no
currency signs, E notation allowed).
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from telemetry.model.charges import AMOUNT

_PLAIN: Final = r"^[+-]?[0-9]{1,20}(\.[0-9]{1,18})?$"
"""What Arrow casts right; it reads longer numbers wrongly without saying so."""
_PLACE: Final = Decimal(1).scaleb(-18)
_WIDE: Final = Context(prec=100, rounding=ROUND_HALF_EVEN)
_LIMIT: Final = Decimal(10) ** 20

Wrong = tuple[int, str, str]
"""Index, text and what is wrong with it."""


def amounts_of(texts: Any) -> tuple[Any | None, list[Wrong], int]:
    """Decimal array of a text array (null stays null), the wrong texts, and how many values were rounded.

    The array is None if any text is wrong. Values with more than 18 decimal places are rounded half to even.
    """
    plain = pc.fill_null(pc.match_substring_regex(texts, _PLAIN), True)
    others = pc.indices_nonzero(pc.invert(plain)).to_pylist()
    if not others:
        return pc.cast(texts, AMOUNT), [], 0
    values, wrong, rounded = {}, [], 0
    for index in others:
        text = texts[index].as_py()
        try:
            values[index], was_rounded = _amount(text)
            rounded += was_rounded
        except ValueError as error:
            wrong.append((index, text, str(error)))
    if wrong:
        return None, wrong, rounded
    cast = pc.cast(pc.if_else(plain, texts, None), AMOUNT)
    return pc.replace_with_mask(cast, pc.invert(plain), pa.array(list(values.values()), AMOUNT)), [], rounded


def _amount(text: str) -> tuple[Decimal, bool]:
    """The amount with 18 places and whether it was rounded. Raises ValueError."""
    try:
        exact = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("is not a number such as 12.5 or 35.2E-7") from error
    if not exact.is_finite():
        raise ValueError("is not a finite number")
    if abs(exact) >= _LIMIT:
        raise ValueError("has more than 20 digits before the point")
    kept = exact.quantize(_PLACE, context=_WIDE)
    return kept, kept != exact
