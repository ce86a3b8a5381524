"""The frame of every answer: status, data, warnings; errors by type, as Prometheus words them."""

import functools
from collections.abc import Callable, Sequence
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
from telemetry.promql.errors import EvaluationError, ParseError
from telemetry.promql.parser import QUERY_DEPTH, QUERY_TEXT
from telemetry.store.settings import ENV_NAMES

View = Callable[..., HttpResponse]

_ERRORS: Final[tuple[tuple[type[TelemetryError], int, str], ...]] = (
    (InvalidInput, 400, "bad_data"),
    (EvaluationError, 422, "execution"),
    (LimitExceeded, 422, "execution"),
    (QueryTimeout, 503, "timeout"),
    (QueryCancelled, 499, "canceled"),
    (StoreUnavailable, 503, "unavailable"),
    (TelemetryError, 500, "internal"),
)
"""First row whose class fits."""
_LIMITS_OF_FORM: Final = frozenset(
    {QUERY_TEXT, QUERY_DEPTH, ENV_NAMES["max_query_points"], ENV_NAMES["max_query_days"]}
)
"""Limits that are broken by the request itself, before anything is executed."""
_MOST_NOTES: Final = 10
"""Warnings, and infos, that one answer names."""


def prometheus_view(*methods: str) -> Callable[[View], View]:
    """A view of the API: only these methods, errors of telemetry in Prometheus' form."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except TelemetryError as error:
                return failure(error)

        return require_http_methods([*methods])(answer)

    return decorate


def success(data: bytes, *, warnings: Sequence[str] = (), infos: Sequence[str] = ()) -> HttpResponse:
    """200 with `data`, which is JSON already."""
    parts = [b'{"status":"success","data":', data]
    for name, notes in ((b"warnings", warnings), (b"infos", infos)):
        if notes:
            parts.append(b',"%s":%s' % (name, to_json(_cut(notes, name.decode()[:-1]))))
    return HttpResponse(b"".join([*parts, b"}"]), content_type="application/json")


def _cut(notes: Sequence[str], kind: str) -> list[str]:
    further = len(notes) - _MOST_NOTES
    omitted = [f"{further} more {kind} annotations omitted"] if further > 0 else []
    return [*notes[:_MOST_NOTES], *omitted]


def failure(error: TelemetryError) -> HttpResponse:
    """The error as Prometheus answers it."""
    status, kind = next((status, kind) for family, status, kind in _ERRORS if isinstance(error, family))
    if isinstance(error, LimitExceeded) and error.limit_name in _LIMITS_OF_FORM:
        status, kind = 400, "bad_data"
    sentence = f'invalid parameter "query": {error}' if isinstance(error, ParseError) else str(error)
    body = to_json({"status": "error", "errorType": kind, "error": sentence})
    return HttpResponse(body, status=status, content_type="application/json")
