"""The frame of every answer; errors are plain text, as Loki sends them."""

import functools
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from dashboard.api.prometheus.render import to_json
from telemetry.model.errors import (
    InvalidInput,
    LimitExceeded,
    QueryCancelled,
    QueryTimeout,
    StoreUnavailable,
    TelemetryError,
)

View = Callable[..., HttpResponse]

_STATUS: Final[tuple[tuple[type[TelemetryError], int], ...]] = (
    (InvalidInput, 400),
    (LimitExceeded, 400),
    (QueryTimeout, 504),
    (QueryCancelled, 499),
    (StoreUnavailable, 503),
    (TelemetryError, 500),
)
"""First row whose class fits."""


def loki_view(*methods: str) -> Callable[[View], View]:
    """A view of the API: only these methods, errors of telemetry as plain text."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except TelemetryError as error:
                return failure(error)

        return require_http_methods([*methods])(answer)

    return decorate


def success(data: bytes) -> HttpResponse:
    """200 with `data`, which is JSON already."""
    return plain_json(b'{"status":"success","data":%s}' % data)


def plain_json(body: bytes | object) -> HttpResponse:
    """200 with a JSON document."""
    content = body if isinstance(body, bytes) else to_json(body)
    return HttpResponse(content, content_type="application/json; charset=UTF-8")


def failure(error: TelemetryError) -> HttpResponse:
    """The error's sentence with its status."""
    status = next(status for family, status in _STATUS if isinstance(error, family))
    return HttpResponse(f"{error}\n", status=status, content_type="text/plain; charset=utf-8")
