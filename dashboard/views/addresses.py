"""Addresses of pages: of a service whatever its name, and what follows a person from page to page."""

from typing import Final
from urllib.parse import quote, urlencode

from django.http import HttpRequest

RANGE_PARAMETERS: Final = ("from", "to")


def range_query(request: HttpRequest) -> dict[str, str]:
    """`from` and `to` of the request, as far as it has them."""
    return {name: value for name in RANGE_PARAMETERS if (value := request.GET.get(name))}


def service_path(name: str) -> str:
    """Address of a service's page, for any name: `/` and `?` are escaped, `.` and `..` go in the query."""
    if name in (".", ".."):
        return f"/services/?{urlencode({'name': name})}"
    return f"/services/{quote(name, safe='')}"
