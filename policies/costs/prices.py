"""Price sheets: unit prices that hold from a day on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

UNITS: Final = {
    "vcpu_hour": "one CPU core busy for an hour",
    "gib_hour": "one GiB of memory held for an hour",
    "gib_month_stored": "one GiB stored for a month of 730 hours",
    "replica_hour": "one replica running for an hour",
}
"""Unit word -> what is priced. 730 hours are a twelfth of a year, the month of every large cloud's price list."""

HOURS_OF_A_MONTH: Final = 730


class InvalidPrice(ValueError):
    """A price sheet that cannot be used; the message names the unit, the value and what was expected."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """Unit prices of one sheet, valid from `valid_from` on until a later sheet begins."""

    name: str
    valid_from: date
    currency: str
    prices: Mapping[str, Decimal]
    """By unit word; a unit without a price costs nothing and is told as unpriced."""
    example: bool = False
    """True for the sheet that comes with Belvedere: orders of magnitude, not anybody's contract."""


def parsed_prices(prices: Mapping[str, Any]) -> dict[str, Decimal]:
    """Decimal by unit of {"vcpu_hour": "0.04"}. Raises InvalidPrice naming the unit and the value."""
    return {unit: _price(unit, text) for unit, text in prices.items()}


def _price(unit: str, text: Any) -> Decimal:
    if unit not in UNITS:
        raise InvalidPrice(f"unknown unit {unit!r}; there are {', '.join(UNITS)}")
    if not isinstance(text, str):
        raise InvalidPrice(f'the price of {unit} must be decimal text such as "0.04", not {text!r}')
    try:
        price = Decimal(text)
    except InvalidOperation as error:
        raise InvalidPrice(f"the price of {unit} must be a decimal such as 0.04, not {text!r}") from error
    if not price.is_finite() or price < 0:
        raise InvalidPrice(f"the price of {unit} must be finite and not negative, not {text!r}")
    return price


def price_list_on(day: date, lists: Sequence[PriceList]) -> PriceList | None:
    """The list that holds on `day`: the one that began last; own lists win over the example of the same day."""
    begun = [candidate for candidate in lists if candidate.valid_from <= day]
    return max(begun, key=lambda candidate: (not candidate.example, candidate.valid_from), default=None)
