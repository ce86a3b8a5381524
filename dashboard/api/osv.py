"""The OSV API of the advisory mirror, so that pip-audit and other OSV clients work in a closed network.

Open to programs on this machine without a token (the gate says which those are), elsewhere with the scope `query`.
"""

from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from dashboard.accounts.gate import requires
from fleet.selectors.osv_api import OsvError, answer_batch, answer_query, answer_vulnerability


@requires("query", open_on_loopback=True)
@require_POST
def query(request: HttpRequest) -> JsonResponse:
    """Advisories that affect one version of one package. pip-audit sends its JSON without a content type."""
    return _answered(lambda: answer_query(_body(request)))


@requires("query", open_on_loopback=True)
@require_POST
def query_batch(request: HttpRequest) -> JsonResponse:
    """Identifiers of the advisories that affect each of many packages."""
    return _answered(lambda: answer_batch(_body(request)))


@requires("query", open_on_loopback=True)
@require_safe
def vulnerability(request: HttpRequest, name: str) -> JsonResponse:
    """One advisory, by identifier or alias."""
    return _answered(lambda: answer_vulnerability(name))


def _body(request: HttpRequest) -> Any:
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise OsvError(f"the body is broken JSON: {error}") from error


def _answered(answer: Callable[[], dict[str, Any]]) -> JsonResponse:
    try:
        return JsonResponse(answer())
    except OsvError as error:
        return JsonResponse(error.as_json(), status=error.status)


urlpatterns = [
    path("query", query),
    path("querybatch", query_batch),
    path("vulns/<str:name>", vulnerability),
]
