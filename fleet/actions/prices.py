"""Versions of price sheets come and go, each with its event in the audit trail."""

from collections.abc import Mapping
from datetime import date

from django.db import transaction

from fleet.actions.audit import record
from fleet.models import PriceSheet


class PriceSheetExists(ValueError):
    """There is a version of this name and day already."""


def add_price_sheet(*, name: str, valid_from: date, currency: str, prices: Mapping[str, str], actor: str) -> PriceSheet:
    """Prices (decimal text by unit, checked by the caller) that hold from a day on. Raises PriceSheetExists."""
    with transaction.atomic():
        sheet, new = PriceSheet.objects.get_or_create(
            name=name, valid_from=valid_from, defaults={"currency": currency, "prices": dict(prices)}
        )
        if not new:
            raise PriceSheetExists(f"there is a version of {name!r} from {valid_from} already; remove it first")
        _record(sheet, "costs.prices_added", actor)
    return sheet


def remove_price_sheet(*, sheet: PriceSheet, actor: str) -> None:
    """End a version."""
    with transaction.atomic():
        _record(sheet, "costs.prices_removed", actor)
        sheet.delete()


def _record(sheet: PriceSheet, action: str, actor: str) -> None:
    record(
        actor=actor,
        action=action,
        object_type="price_sheet",
        object_id=str(sheet.pk),
        detail={
            "name": sheet.name,
            "valid_from": str(sheet.valid_from),
            "currency": sheet.currency,
            "prices": dict(sheet.prices),
        },
    )
