"""How much there is: lines and bytes by streams and labels."""

from collections import Counter
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.loki.answers import loki_view, plain_json, success
from dashboard.api.loki.params import Span, limit_of, query_text, span_of, step_ns, value_of
from dashboard.api.prometheus.render import to_json
from telemetry.logql.extraction import stream_labels
from telemetry.logql.parser import parse_matchers
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels, Matcher
from telemetry.store import current
from telemetry.store.log_counts import CountQuery
from telemetry.store.log_lines import LineQuery

_SECOND_NS: Final = 10**9
Amounts = dict[Labels, Counter[int]]
"""Labels -> bucket -> bytes."""


@requires("query")
@loki_view("GET", "POST")
def stats(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/index/stats; a chunk is what this store keeps of one stream."""
    span = span_of(request)
    store = current()
    streams = store.select_log_streams(parse_matchers(query_text(request)), span.start_ns, span.end_ns)
    lines = LineQuery(streams, span.start_ns - 1, span.end_ns, with_metadata=False)
    width = span.end_ns - span.start_ns + 1
    records, sizes = (store.count_log_lines(CountQuery(lines, width, in_bytes=kind)) for kind in (False, True))
    return plain_json(
        {
            "streams": records.num_rows,
            "chunks": records.num_rows,
            "entries": sum(records["amount"].to_pylist()),
            "bytes": sum(sizes["amount"].to_pylist()),
        }
    )


@requires("query")
@loki_view("GET", "POST")
def volume(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/index/volume"""
    span = span_of(request)
    amounts = _amounts(request, span, span.end_ns - span.start_ns + 1)
    totals = Counter({labels: sum(buckets.values()) for labels, buckets in amounts.items()})
    at = span.end_ns / _SECOND_NS
    vector = [{"metric": dict(labels), "value": [at, str(amount)]} for labels, amount in _largest(request, totals)]
    return success(to_json({"resultType": "vector", "result": vector, "stats": {}}))


@requires("query")
@loki_view("GET", "POST")
def volume_range(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/index/volume_range"""
    span = span_of(request)
    step = step_ns(request, span)
    amounts = _amounts(request, span, step)
    totals = Counter({labels: sum(buckets.values()) for labels, buckets in amounts.items()})
    matrix: list[dict[str, Any]] = []
    for labels, _ in _largest(request, totals):
        points = [
            [(span.start_ns + (bucket - 1) * step) / _SECOND_NS, str(amount)]
            for bucket, amount in sorted(amounts[labels].items())
        ]
        matrix.append({"metric": dict(labels), "values": points})
    return success(to_json({"resultType": "matrix", "result": matrix, "stats": {}}))


def _largest(request: HttpRequest, totals: Counter[Labels]) -> list[tuple[Labels, int]]:
    ranked = sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))
    return ranked[: limit_of(request)]


def _amounts(request: HttpRequest, span: Span, width_ns: int) -> Amounts:
    by_label = value_of(request, "aggregateBy") or "series"
    if by_label not in ("series", "labels"):
        raise InvalidInput("invalid aggregation option")
    matchers = parse_matchers(query_text(request))
    targets = [name for name in value_of(request, "targetLabels").split(",") if name]
    names = frozenset(targets) or frozenset(matcher.name for matcher in matchers)
    return _bytes_by(matchers, span, width_ns, names, by_label=by_label == "labels")


def _bytes_by(
    matchers: tuple[Matcher, ...], span: Span, width_ns: int, names: frozenset[str], *, by_label: bool
) -> Amounts:
    store = current()
    streams = store.select_log_streams(matchers, span.start_ns, span.end_ns)
    lines = LineQuery(streams, span.start_ns - 1, span.end_ns, with_metadata=False)
    found = store.count_log_lines(CountQuery(lines, width_ns, in_bytes=True))
    bases = {one: stream_labels(labels) for one, labels in zip(streams.ids, streams.labels, strict=True)}
    amounts: Amounts = {}
    columns = (found[name].to_pylist() for name in ("stream", "bucket", "amount"))
    for stream, bucket, amount in zip(*columns, strict=True):
        for labels in _groups(bases[stream], names, by_label=by_label):
            amounts.setdefault(labels, Counter())[bucket] += amount
    return amounts


def _groups(labels: dict[str, str], names: frozenset[str], *, by_label: bool) -> list[Labels]:
    pairs = sorted(pair for pair in labels.items() if not names or pair[0] in names)
    return [((name, ""),) for name, _ in pairs] if by_label else [tuple(pairs)]
