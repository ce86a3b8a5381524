"""What there is to ask for: series, label names and values, metadata of metrics."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.prometheus.answers import prometheus_view, success
from dashboard.api.prometheus.label_escapes import unescaped
from dashboard.api.prometheus.params import limit_of, range_of, selectors_of, value_of
from dashboard.api.prometheus.render import to_json
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME, Matcher, MatchOp
from telemetry.promql.label_names import is_label_name
from telemetry.store import current
from telemetry.syntax.quoting import quote

_EVERYTHING: Final = ((Matcher(METRIC_NAME, MatchOp.NOT_EQUAL, ""),),)
_TRUNCATED: Final = "results truncated due to limit"


@requires("query")
@prometheus_view("GET", "POST")
def series(request: HttpRequest) -> HttpResponse:
    """/api/v1/series"""
    selectors, time_range, limit = selectors_of(request), range_of(request), limit_of(request)
    if not selectors:
        raise InvalidInput("no match[] parameter provided")
    found = current().select_series(selectors, time_range)
    return _cut([dict(labels) for labels in found.labels], limit)


@requires("query")
@prometheus_view("GET", "POST")
def label_names(request: HttpRequest) -> HttpResponse:
    """/api/v1/labels"""
    limit = limit_of(request)
    selectors = selectors_of(request) or _EVERYTHING
    return _cut(current().label_names(selectors, range_of(request), _one_more(limit)), limit)


@requires("query")
@prometheus_view("GET")
def label_values(request: HttpRequest, name: str) -> HttpResponse:
    """/api/v1/label/<name>/values"""
    limit = limit_of(request)
    name = unescaped(name)
    if not is_label_name(name):
        raise InvalidInput(f"invalid label name: {quote(name)}")
    selectors = selectors_of(request) or _EVERYTHING
    return _cut(current().label_values(name, selectors, range_of(request), _one_more(limit)), limit)


@requires("query")
@prometheus_view("GET")
def metadata(request: HttpRequest) -> HttpResponse:
    """/api/v1/metadata"""
    limit = limit_of(request)
    entries = current().metric_metadata(value_of(request, "metric") or None, limit or None)
    if limit_of(request, "limit_per_metric") > 0:
        entries = list({entry.metric: entry for entry in reversed(entries)}.values())[::-1]
    found: dict[str, list[dict[str, str]]] = {}
    for entry in entries:
        found.setdefault(entry.metric, []).append({"type": entry.type, "help": entry.help, "unit": entry.unit})
    return success(to_json(found))


def _one_more(limit: int) -> int | None:
    """What to ask the store for, so that a cut shows."""
    return limit + 1 if limit else None


def _cut(entries: list[Any], limit: int) -> HttpResponse:
    if 0 < limit < len(entries):
        return success(to_json(entries[:limit]), warnings=[_TRUNCATED])
    return success(to_json(entries))
