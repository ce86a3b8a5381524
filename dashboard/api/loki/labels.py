"""Labels and streams: what there is to query."""

from typing import Final

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.loki.answers import loki_view, plain_json, success
from dashboard.api.loki.params import Span, query_text, span_of, values_of
from dashboard.api.prometheus.render import to_json
from telemetry.logql.extraction import stream_labels
from telemetry.logql.parser import parse_matchers
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels, Matcher
from telemetry.store import current

_SIX_HOURS_NS: Final = 6 * 3600 * 10**9


def selected_labels(matchers: tuple[Matcher, ...], span: Span) -> list[Labels]:
    """Distinct label sets of streams, sorted."""
    streams = current().select_log_streams(matchers, span.start_ns, span.end_ns)
    return sorted({tuple(sorted(stream_labels(labels).items())) for labels in streams.labels})


@requires("query")
@loki_view("GET", "POST")
def label_names(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/labels"""
    found = selected_labels(parse_matchers(query_text(request)), span_of(request, _SIX_HOURS_NS))
    return success(to_json(sorted({name for labels in found for name, _ in labels})))


@requires("query")
@loki_view("GET", "POST")
def label_values(request: HttpRequest, name: str) -> HttpResponse:
    """/loki/api/v1/label/<name>/values"""
    found = selected_labels(parse_matchers(query_text(request)), span_of(request, _SIX_HOURS_NS))
    return success(to_json(sorted({value for labels in found for key, value in labels if key == name})))


@requires("query")
@loki_view("GET", "POST")
def series(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/series"""
    texts = values_of(request, "match", "match[]")
    if not texts:
        raise InvalidInput("0 matcher groups: at least one match[] is needed")
    span = span_of(request)
    found = {labels for text in texts for labels in selected_labels(parse_matchers(text), span)}
    return success(to_json([dict(labels) for labels in sorted(found)]))


@requires("query")
@loki_view("GET", "POST")
def detected_labels(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/detected_labels"""
    found = selected_labels(parse_matchers(query_text(request)), span_of(request))
    values: dict[str, set[str]] = {}
    for labels in found:
        for name, value in labels:
            values.setdefault(name, set()).add(value)
    detected = [{"label": name, "cardinality": len(values[name])} for name in sorted(values)]
    return plain_json({"detectedLabels": detected})
