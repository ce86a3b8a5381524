"""Addresses below the APIs that do not exist, answered in the form of an API."""

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.accounts.refusals import api_error


@requires("query")
def unknown_address(request: HttpRequest, rest: str) -> HttpResponse:
    """404 as JSON; without a token 401, as for every other address."""
    return api_error(404, "not_found", f"there is nothing at {request.path[:200]}")
