"""Prometheus: remote write v1, and exposition text that batch jobs push.

Source: https://prometheus.io/docs/specs/prw/remote_write_spec/
"""

from typing import Final
from urllib.parse import unquote

from collectors.receivers.answers import refused_sentence
from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Pending, Received, Reply
from collectors.receivers.samples import write_decoded
from collectors.wire.compression import decompress
from collectors.wire.decoded import DecodedSamples
from collectors.wire.exposition import is_openmetrics, parse_exposition
from collectors.wire.exposition_series import TargetSeries
from collectors.wire.limits import UnsupportedEncoding
from collectors.wire.repeated_requests import RepeatedRequests
from telemetry.model.labels import labels_from
from telemetry.model.samples import WriteReceipt

_PUSH_PREFIX: Final = "/api/metrics/"
_VERSION_1: Final = "prometheus.WriteRequest"
_PAGE_TYPES: Final = ("text/plain", "application/openmetrics-text", "application/x-www-form-urlencoded", "")
"""The third is what curl says of any body."""

_REPEATED: Final = RepeatedRequests()


def remote_write(request: Received) -> Pending:
    """`POST /api/v1/write`: 204, or 400 naming the samples that were refused while the rest is stored."""
    _check_is_version_1(request)
    decoded = _REPEATED.decode(request.body, decode_limits(), request.service or "")
    return _written(request, decoded, request.service)


def _check_is_version_1(request: Received) -> None:
    message = request.content_parameters.get("proto", _VERSION_1)
    if request.content_type not in ("application/x-protobuf", "") or message != _VERSION_1:
        shown = f"{request.content_type};proto={message}" if message != _VERSION_1 else request.content_type
        raise UnsupportedEncoding(
            f"content type {shown!r} is not understood; send remote write 1.0: application/x-protobuf "
            f"(in Prometheus `protobuf_message: {_VERSION_1}`, which is the default)"
        )
    if request.content_encoding.lower() not in ("snappy", ""):
        raise UnsupportedEncoding(
            f"content encoding {request.content_encoding!r} is not understood; remote write is snappy"
        )


def exposition(request: Received) -> Pending:
    """`POST /api/metrics/SERVICE`: a page in text format or OpenMetrics; lines that name no `job` get job=SERVICE."""
    if request.content_type not in _PAGE_TYPES:
        raise UnsupportedEncoding(f"content type {request.content_type!r} is no metrics page; use text/plain")
    limits = decode_limits()
    name = unquote(request.path[len(_PUSH_PREFIX) :])
    batch = parse_exposition(
        decompress(request.body, request.content_encoding, limits),
        default_timestamp_ms=request.received_ns // 1_000_000,
        openmetrics=is_openmetrics(request.content_type),
        target=TargetSeries(labels_from({"job": name}), honor_labels=True),
        limits=limits,
    )
    return _written(request, DecodedSamples(batch), request.service or name)


def _written(request: Received, decoded: DecodedSamples, service: str | None) -> Pending:
    def answer(receipt: WriteReceipt) -> Reply:
        if not receipt.refusals:
            return Reply(204)
        return Reply(400, f"{refused_sentence(receipt.refusals, 'samples')}\n".encode())

    return Pending(write_decoded(decoded, service), answer, decoded.refusals)
