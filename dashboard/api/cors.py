"""Other sites whose pages may read the query APIs: none, unless BELVEDERE_CORS_ORIGINS names them.

Such a page sends a token of its own: cookies are never accepted from another site.
"""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

_PATHS: Final = ("/api/", "/prometheus/", "/loki/", "/federate")


class CorsMiddleware:
    """Answers preflights, and names the site in answers that it may read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        origin = request.headers.get("Origin", "")
        allowed = origin in settings.CORS_ORIGINS and request.path.startswith(_PATHS)
        preflight = allowed and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = HttpResponse(status=204) if preflight else self.get_response(request)
        if allowed:
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Allow-Headers"] = "Accept, Authorization, Content-Type, Origin"
            response["Access-Control-Allow-Methods"] = "GET, OPTIONS, POST"
            response["Access-Control-Expose-Headers"] = "Server-Timing, X-Belvedere-Query-Cost"
            patch_vary_headers(response, ("Origin",))
        return response
