"""Which bills count, and the price sheets that measured use is priced by."""

import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from django.db.models import QuerySet

from fleet.models import CostImport, PriceSheet


@dataclass(frozen=True, slots=True)
class PriceSheetDocument:
    """A price sheet as it is written down: amounts are decimal text."""

    name: str
    valid_from: date
    currency: str
    prices: dict[str, Any]
    example: bool
    source: str
    """Where an example's figures come from; '' for a sheet of one's own."""


def cost_imports() -> QuerySet[CostImport]:
    """Imported bills, newest first."""
    return CostImport.objects.order_by("-imported_at", "-pk")


def counting_batches(*, simulated: bool | None = None) -> list[str]:
    """Batches of the store whose charges count: those with a row here. `simulated` keeps one kind only."""
    rows = CostImport.objects.all()
    if simulated is not None:
        rows = rows.filter(simulated=simulated)
    return [batch.hex for batch in rows.values_list("batch", flat=True)]


def bill_with(sha256: str) -> CostImport | None:
    """The import of the file with this content, if there was one."""
    return CostImport.objects.filter(sha256=sha256).first()


def price_sheets() -> list[PriceSheetDocument]:
    """Own sheets and, always, the example that comes with the product."""
    own = [
        PriceSheetDocument(row.name, row.valid_from, row.currency, dict(row.prices), row.builtin, "")
        for row in PriceSheet.objects.all()
    ]
    return [*own, example_price_sheet()]


@lru_cache(maxsize=1)
def example_price_sheet() -> PriceSheetDocument:
    """The sheet in price_sheets/example.json."""
    document = json.loads(files("fleet.price_sheets").joinpath("example.json").read_text(encoding="utf-8"))
    return PriceSheetDocument(
        document["name"], date.fromisoformat(document["valid_from"]), document["currency"],
        document["prices"], True, document["source"],
    )  # fmt: skip
