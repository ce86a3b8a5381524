"""Keyset pagination: `after` names the last row seen, so a page costs the same however deep it lies."""

from typing import Annotated, TypeVar

from django.db.models import Model, QuerySet
from ninja import Query

Row = TypeVar("Row", bound=Model)

Limit = Annotated[int, Query(ge=1, le=1000, description="rows in one answer")]
AfterId = Annotated[int | None, Query(ge=0, description="`next` of the page before")]


def page_by_falling_id(rows: QuerySet[Row], limit: int, after: int | None) -> tuple[list[Row], str | None]:
    """Newest rows first, at most `limit`, and the `after` of the next page (None at the end)."""
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: limit + 1])
    return found[:limit], str(found[limit - 1].pk) if len(found) > limit else None
