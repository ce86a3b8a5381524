"""/api/v1/read: raw samples for another Prometheus, as one snappy message (the response type SAMPLES)."""

import cramjam
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from collectors.wire.compression import snappy_block
from collectors.wire.limits import DecodeLimits
from collectors.wire.remote_read import decode_read_request, encode_result
from dashboard.accounts.gate import requires
from dashboard.api.prometheus.answers import prometheus_view
from telemetry.store import current


@requires("query")
@prometheus_view("POST")
def remote_read(request: HttpRequest) -> HttpResponse:
    """Every query is answered in full; `max_query_series` and `max_query_samples` hold for each."""
    limits = DecodeLimits(max_decoded_bytes=int(settings.INGEST["max_decoded_bytes"]))
    store = current()
    results: list[bytes] = []
    for query in decode_read_request(snappy_block(request.body, limits), limits):
        series = store.select_series([query.matchers], query.time_range)
        results.append(encode_result(series.labels, store.read_samples(series, query.time_range)))
    body = bytes(cramjam.snappy.compress_raw(b"".join(results)))
    headers = {"Content-Encoding": "snappy"}
    return HttpResponse(body, content_type="application/x-protobuf", headers=headers)
