"""Numbers in text as Go reads and prints them."""

import math
import re
from decimal import Decimal
from typing import Final

_DIGITS: Final = re.compile(r"[+-]?(?:0[xX][_0-9a-fA-F]+|0[oO]?[_0-7]*|0[bB][_01]+|[1-9][_0-9]*)")

_DECIMAL: Final = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)", re.ASCII | re.IGNORECASE
)


def parse_number(text: str) -> float:
    """Value of a literal: decimal, hexadecimal (0x1F), octal (017), with underscores, Inf or NaN in any case.

    Raises ValueError.
    """
    if _DIGITS.fullmatch(text):
        return float(int(_octal_as_python(text), 0))
    plain = text.replace("_", "")
    return float.fromhex(plain) if plain.lower().lstrip("+-").startswith("0x") else float(plain)


def parse_decimal(text: str) -> float:
    """Value of a decimal number as a label such as `le` has it. Raises ValueError."""
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"not a number: {text!r}")
    return float(text)


def _octal_as_python(text: str) -> str:
    """Go writes octal numbers as 017 where Python wants 0o17."""
    sign = text[: len(text) - len(text.lstrip("+-"))]
    digits = text[len(sign) :]
    if len(digits) > 1 and digits[0] == "0" and digits[1] in "_01234567":
        return f"{sign}0o{digits[1:].lstrip('_')}"
    return text


def format_float(value: float) -> str:
    """Shortest digits that read back as `value`, never with an exponent: Go's FormatFloat(v, 'f', -1, 64)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(float(value))
    if "e" in text:
        return _without_exponent(text)
    return text[:-2] if text.endswith(".0") else text


def _without_exponent(text: str) -> str:
    """`1.5e-07` as `0.00000015`."""
    mantissa, _, exponent = text.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).rstrip("0") if fraction == "0" else whole + fraction
    point = len(whole) + int(exponent)
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def format_general(value: float) -> str:
    """Shortest digits, with an exponent below 0.0001 and from 1000000 on: Go's %g."""
    plain = format_float(value)
    if not math.isfinite(value) or value == 0 or 1e-4 <= abs(value) < 1e6:
        return plain
    digits = plain.lstrip("-").replace(".", "").strip("0")
    exponent = Decimal(plain).adjusted()
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{'-' if value < 0 else ''}{mantissa}e{exponent:+03d}"
