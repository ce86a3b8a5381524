"""Kubernetes quantities such as 500m, 2, 1.5k and 4Gi, as whole thousandths.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from decimal import ROUND_CEILING, Decimal
from typing import Final

_SUFFIXES: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY: Final = re.compile(
    r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))(?:([eE][+-]?\d{1,2})|([numkKMGTPE]i?|))\Z"
)


def milli(text: object) -> int:
    """Thousandths of a quantity, rounded up as Kubernetes does. Raises ValueError for anything else."""
    match = _QUANTITY.match(str(text)) if isinstance(text, str | int | float) and not isinstance(text, bool) else None
    suffix = match[3] or "" if match else ""
    if match is None or suffix not in _SUFFIXES:
        raise ValueError("expected a quantity such as 500m, 2, 1.5k or 4Gi")
    amount = Decimal(match[1] + (match[2] or "")) * _SUFFIXES[suffix] * 1000
    return int(amount.to_integral_value(ROUND_CEILING))


def quantity(thousandths: int) -> str:
    """The shortest plain form: 1500 is 1500m, 2000 is 2."""
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"
