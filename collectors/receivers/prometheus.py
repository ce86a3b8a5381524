"""Prometheus: remote write 1.0 and 2.0, and exposition text that batch jobs push.

Source: https://prometheus.io/docs/specs/prw/remote_write_spec/ and remote_write_spec_2_0/
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from collectors.receivers.answers import refused_sentence
from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Pending, Received, Reply
from collectors.receivers.samples import write_decoded
from collectors.wire.compression import decompress, snappy_block
from collectors.wire.decoded import DecodedSamples
from collectors.wire.exposition import decode_pushed_page, is_openmetrics
from collectors.wire.exposition_series import TargetSeries
from collectors.wire.limits import UnsupportedEncoding
from collectors.wire.remote_write_v2 import decode_write_request_v2
from collectors.wire.repeated_requests import RepeatedRequests
from telemetry.model.labels import labels_from
from telemetry.model.samples import WriteReceipt

_PUSH_PREFIX: Final = "/api/metrics/"
_VERSION_1: Final = "prometheus.WriteRequest"
_VERSION_2: Final = "io.prometheus.write.v2.Request"
_PAGE_TYPES: Final = ("text/plain", "application/openmetrics-text", "application/x-www-form-urlencoded", "")
"""The third is what curl says of any body."""

_REPEATED: Final = RepeatedRequests()


def remote_write(request: Received) -> Pending:
    """`POST /api/v1/write`: 204, or 400 naming the samples that were refused while the rest is stored."""
    limits = decode_limits()
    if _version(request) == _VERSION_2:
        decoded = decode_write_request_v2(snappy_block(request.body, limits), limits)
        return _written(request, decoded, request.service, _written_headers)
    return _written(request, _REPEATED.decode(request.body, limits, request.service or ""), request.service)


def _version(request: Received) -> str:
    """Message that the request holds. Raises UnsupportedEncoding for what is neither version of remote write."""
    message = request.content_parameters.get("proto", _VERSION_1)
    if request.content_type not in ("application/x-protobuf", "") or message not in (_VERSION_1, _VERSION_2):
        shown = f"{request.content_type};proto={message}" if message != _VERSION_1 else request.content_type
        raise UnsupportedEncoding(
            f"content type {shown!r} is not understood; send application/x-protobuf with proto={_VERSION_1} "
            f"(remote write 1.0, the default) or proto={_VERSION_2} (2.0)"
        )
    if request.content_encoding.lower() not in ("snappy", ""):
        raise UnsupportedEncoding(
            f"content encoding {request.content_encoding!r} is not understood; remote write is snappy"
        )
    return message


def _written_headers(receipt: WriteReceipt) -> dict[str, str]:
    """What 2.0 wants to be told in every answer of a receiver that has read the request."""
    return {
        "x-prometheus-remote-write-samples-written": str(receipt.floats),
        "x-prometheus-remote-write-histograms-written": str(receipt.histograms),
        "x-prometheus-remote-write-exemplars-written": str(receipt.exemplars),
    }


def exposition(request: Received) -> Pending:
    """`POST /api/metrics/SERVICE`: a page in text format or OpenMetrics; lines that name no `job` get job=SERVICE."""
    if request.content_type not in _PAGE_TYPES:
        raise UnsupportedEncoding(f"content type {request.content_type!r} is no metrics page; use text/plain")
    limits = decode_limits()
    name = unquote(request.path[len(_PUSH_PREFIX) :])
    decoded = decode_pushed_page(
        decompress(request.body, request.content_encoding, limits),
        now_ms=request.received_ns // 1_000_000,
        openmetrics=is_openmetrics(request.content_type),
        target=TargetSeries(labels_from({"job": name}), honor_labels=True),
        limits=limits,
    )
    return _written(request, decoded, request.service or name)


def _written(
    request: Received,
    decoded: DecodedSamples,
    service: str | None,
    headers: Callable[[WriteReceipt], dict[str, str]] | None = None,
) -> Pending:
    def answer(receipt: WriteReceipt) -> Reply:
        told = headers(receipt) if headers else {}
        if not receipt.refusals:
            return Reply(204, headers=told)
        return Reply(400, f"{refused_sentence(receipt.refusals, 'samples')}\n".encode(), headers=told)

    return Pending(write_decoded(decoded, service), answer, decoded.refusals)
