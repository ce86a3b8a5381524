"""Prometheus: remote write v1, and exposition text that batch jobs push.

Source: https://prometheus.io/docs/specs/prw/remote_write_spec/
"""

from urllib.parse import unquote

from collectors.receivers.answers import refused_sentence, with_decoded
from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Pending, Received, Reply
from collectors.wire.compression import decompress, snappy_block
from collectors.wire.decoded import DecodedSamples
from collectors.wire.exposition import is_openmetrics, parse_exposition
from collectors.wire.exposition_series import TargetSeries
from collectors.wire.limits import UnsupportedEncoding
from collectors.wire.remote_write import decode_write_request
from telemetry.model.labels import labels_from
from telemetry.model.samples import WriteReceipt
from telemetry.store.current import current

_PUSH_PREFIX = "/api/metrics/"


def remote_write(request: Received) -> Pending:
    """`POST /api/v1/write`: 204, or 400 naming the samples that were refused while the rest is stored."""
    if request.content_type not in ("application/x-protobuf", ""):
        raise UnsupportedEncoding(
            f"content type {request.content_type!r} is not understood; remote write 1.0 is application/x-protobuf"
        )
    if request.content_encoding.lower() not in ("snappy", ""):
        raise UnsupportedEncoding(
            f"content encoding {request.content_encoding!r} is not understood; remote write is snappy"
        )
    limits = decode_limits()
    return _written(request, decode_write_request(snappy_block(request.body, limits), limits), request.service)


def exposition(request: Received) -> Pending:
    """`POST /api/metrics/SERVICE`: a page of metrics in text format or OpenMetrics, with the label job=SERVICE."""
    limits = decode_limits()
    name = unquote(request.path[len(_PUSH_PREFIX) :])
    batch = parse_exposition(
        decompress(request.body, request.content_encoding, limits),
        default_timestamp_ms=request.received_ns // 1_000_000,
        openmetrics=is_openmetrics(request.content_type),
        target=TargetSeries(labels_from({"job": name})),
        limits=limits,
    )
    return _written(request, DecodedSamples(batch), request.service or name)


def _written(request: Received, decoded: DecodedSamples, service: str | None) -> Pending:
    def answer(receipt: WriteReceipt) -> Reply:
        whole = with_decoded(receipt, decoded.refusals)
        if not whole.refusals:
            return Reply(204)
        return Reply(400, f"{refused_sentence(whole.refusals, 'samples')}\n".encode())

    return Pending(current().write_samples(decoded.batch, service=service), answer)
