"""Templates of lines with their counts over time."""

from typing import Final

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.loki.answers import loki_view, success
from dashboard.api.loki.params import query_text, span_of, step_ns
from dashboard.api.prometheus.render import to_json
from telemetry.logql.parser import parse_log_query
from telemetry.store import current

_NS_PER_MS: Final = 1_000_000
_LEAST_STEP_MS: Final = 60_000


@requires("query")
@loki_view("GET", "POST")
def patterns(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/patterns: patterns of the services whose streams the query selects, in steps of whole minutes."""
    span, store = span_of(request), current()
    matchers = parse_log_query(query_text(request)).matchers
    streams = store.select_log_streams(matchers, span.start_ns, span.end_ns)
    found = store.log_patterns(streams.written_as) if streams.written_as else []
    step_ms = max(_LEAST_STEP_MS, step_ns(request, span) // _NS_PER_MS // _LEAST_STEP_MS * _LEAST_STEP_MS)
    series = store.log_pattern_series(found, span.start_ns // _NS_PER_MS, span.end_ns // _NS_PER_MS, step_ms)
    data = [
        {
            "pattern": one.pattern.template,
            "samples": [
                [at // 1000, count]
                for at, count in zip(one.times_ms.tolist(), one.counts.tolist(), strict=True)
                if count
            ],
        }
        for one in series
    ]
    return success(to_json(data))
