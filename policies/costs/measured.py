"""Cost without a bill: measured use times unit prices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from policies.costs.exact import product
from policies.costs.prices import PriceList, price_list_on


@dataclass(frozen=True, slots=True)
class Usage:
    """What one service used of one unit in one environment on one UTC day."""

    service: str
    environment: str
    day: date
    unit: str
    """A word of UNITS."""
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class PricedUsage:
    """Usage with the price that held on its day; both are None where no sheet has a price for the unit."""

    usage: Usage
    price_list: PriceList | None
    unit_price: Decimal | None
    amount: Decimal | None
    """quantity x unit_price at 18 places."""


def priced(usage: Iterable[Usage], lists: Sequence[PriceList]) -> list[PricedUsage]:
    """Every use with its price. Nothing is dropped: what has no price says so."""
    return [_priced(use, price_list_on(use.day, lists)) for use in usage]


def _priced(use: Usage, prices: PriceList | None) -> PricedUsage:
    unit_price = prices.prices.get(use.unit) if prices else None
    amount = None if unit_price is None else product(use.quantity, unit_price)
    return PricedUsage(use, prices, unit_price, amount)
