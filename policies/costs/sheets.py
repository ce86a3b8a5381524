"""The price sheets of the database and of the product, ready to price with."""

from fleet.selectors.costs import PriceSheetDocument, price_sheets
from policies.costs.prices import InvalidPrice, PriceList, parsed_prices


def price_lists() -> list[PriceList]:
    """Every sheet. Raises InvalidPrice naming the sheet that cannot be used."""
    return [_price_list(document) for document in price_sheets()]


def _price_list(document: PriceSheetDocument) -> PriceList:
    try:
        prices = parsed_prices(document.prices)
    except InvalidPrice as error:
        raise InvalidPrice(f"price sheet {document.name!r} from {document.valid_from}: {error}") from error
    return PriceList(document.name, document.valid_from, document.currency, prices, document.example)
