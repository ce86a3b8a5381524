"""How a refusal is answered: JSON for APIs, a redirect for pages, HX-Redirect for parts of pages."""

from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string

from dashboard.accounts.next_url import wanted_page, with_next

API_PREFIXES: Final = ("/api/", "/loki/", "/prometheus/", "/osv/", "/federate", "/-/")
"""Paths that answer in JSON. It chooses the form of an answer only, never whether it is given."""


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIXES)


def unauthenticated(request: HttpRequest, step: str, sentence: str) -> HttpResponse:
    """401 for an API or a part of a page; a page redirects to `step`, the next thing a person has to do."""
    if is_api(request):
        response = api_error(401, "unauthorized", sentence)
        response["WWW-Authenticate"] = 'Bearer realm="Belvedere"'
        return response
    address = with_next(step, wanted_page(request))
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(
            sentence, status=401, content_type="text/plain; charset=utf-8", headers={"HX-Redirect": address}
        )
    return HttpResponseRedirect(address)


def forbidden(request: HttpRequest, sentence: str) -> HttpResponse:
    """403 with the sentence that says what is missing."""
    if is_api(request):
        return api_error(403, "forbidden", sentence)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(sentence, status=403, content_type="text/plain; charset=utf-8")
    page = render_to_string("accounts/forbidden.html", {"sentence": sentence}, request)
    return HttpResponse(page, status=403)


def api_error(status: int, error_type: str, sentence: str) -> JsonResponse:
    """The error form of the Prometheus API, which our other APIs share."""
    return JsonResponse({"status": "error", "errorType": error_type, "error": sentence}, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    return forbidden(
        request, f"The form was not sent from a page of this site, or the page was too old. Load it again. ({reason})"
    )
