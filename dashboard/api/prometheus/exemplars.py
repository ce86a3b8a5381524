"""/api/v1/query_exemplars: single measurements, such as those with a trace id, behind the series of a query.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#querying-exemplars
"""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.prometheus.answers import prometheus_view, success
from dashboard.api.prometheus.params import query_text, range_of
from dashboard.api.prometheus.render import to_json
from telemetry.model.exemplars import Exemplar
from telemetry.promql.ast import Expr, VectorSelector, post_order
from telemetry.promql.parser import parse
from telemetry.store import current
from telemetry.syntax.numbers import format_float


@requires("query")
@prometheus_view("GET", "POST")
def query_exemplars(request: HttpRequest) -> HttpResponse:
    """/api/v1/query_exemplars"""
    time_range = range_of(request)
    selectors = [selector.matchers for selector in selectors_in(parse(query_text(request)))]
    if not selectors:
        return success(b"[]")
    store = current()
    series = store.select_series(selectors, time_range)
    found = zip(series.labels, store.read_exemplars(series, time_range), strict=True)
    return success(
        to_json(
            [
                {"seriesLabels": dict(labels), "exemplars": [_exemplar(each) for each in exemplars]}
                for labels, exemplars in found
                if exemplars
            ]
        )
    )


def selectors_in(expr: Expr) -> Iterator[VectorSelector]:
    """Every selector of an expression, from left to right."""
    return (node for node in post_order(expr) if isinstance(node, VectorSelector))


def _exemplar(exemplar: Exemplar) -> dict[str, object]:
    timestamp = exemplar.timestamp_ms / 1000
    return {
        "labels": dict(exemplar.labels),
        "value": format_float(exemplar.value),
        "timestamp": int(timestamp) if timestamp == int(timestamp) else timestamp,
    }
