"""Which bills count, and the price sheets that measured use is priced by."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

from django.db.models import Q, QuerySet

from fleet.models import AllocationVersion, CostImport, CostPart, PriceSheet


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


def counting_parts(*, simulated: bool | None = None, at: datetime | None = None) -> QuerySet[CostPart]:
    """Parts of bills that count, now or as it was `at` a time. `simulated` keeps one kind only."""
    parts = CostPart.objects.all()
    if at is None:
        parts = parts.filter(counts_until=None)
    else:
        parts = parts.filter(Q(counts_until=None) | Q(counts_until__gt=at), counts_from__lte=at)
    return parts if simulated is None else parts.filter(bill__simulated=simulated)


def counting_batches(*, simulated: bool | None = None, at: datetime | None = None) -> list[str]:
    """Keys of the store whose charges count, now or as it was `at` a time. `simulated` keeps one kind only."""
    return list(counting_parts(simulated=simulated, at=at).order_by("key").values_list("key", flat=True))


def kept_batches() -> list[str]:
    """Keys of all charges that belong to a bill, whether they count or were replaced."""
    return list(CostPart.objects.values_list("key", flat=True))


def bill_with(sha256: str) -> CostImport | None:
    """The import of the file with this content, if there was one."""
    return CostImport.objects.filter(sha256=sha256).first()


def allocation_versions(*, at: datetime | None = None) -> list[AllocationVersion]:
    """Versions of the allocation rules by the day from which they hold, as they were known `at` a time."""
    versions = AllocationVersion.objects.order_by("valid_from", "pk")
    return list(versions if at is None else versions.filter(created_at__lte=at))


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
