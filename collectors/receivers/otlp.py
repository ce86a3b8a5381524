"""OTLP over HTTP: logs and metrics, in protobuf or JSON, answered in the encoding of the request.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import json
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from collectors.receivers.answers import refused_sentence
from collectors.receivers.limits import decode_limits, otlp_options
from collectors.receivers.message import Pending, Received, Reply
from collectors.receivers.repeats import is_recognisable
from collectors.receivers.samples import write_decoded
from collectors.wire.compression import decompress
from collectors.wire.limits import UnsupportedEncoding
from collectors.wire.otlp_logs import decode_otlp_logs
from collectors.wire.otlp_logs_json import decode_otlp_logs_json
from collectors.wire.otlp_metrics import decode_otlp_metrics
from collectors.wire.otlp_metrics_json import decode_otlp_metrics_json
from telemetry.model.samples import Refusal, WriteReceipt
from telemetry.store.current import current

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_RPC_CODES: Final = {400: 3, 401: 16, 403: 7, 413: 8, 415: 3, 429: 8, 503: 14}
"""HTTP status -> google.rpc.Code; 13 (internal) for others."""


def logs(request: Received) -> Pending:
    """`POST /v1/logs`: 200, with `partial_success` if records were refused."""
    limits = decode_limits()
    body = _body(request)
    decode = decode_otlp_logs_json if request.is_json else decode_otlp_logs
    decoded = decode(body, limits, received_ns=request.received_ns)

    def answer(receipt: WriteReceipt) -> Reply:
        if request.is_json:
            return _json_answer("rejectedLogRecords", receipt.refusals, "log records")
        response = ExportLogsServiceResponse()
        if receipt.refusals:
            response.partial_success.rejected_log_records = receipt.refused
            response.partial_success.error_message = refused_sentence(receipt.refusals, "log records")
        return Reply(200, response.SerializeToString(), PROTOBUF)

    recognisable = is_recognisable(decoded.batch, request.received_ns)
    return Pending(current().write_logs(decoded.batch, service=request.service), answer, decoded.refusals, recognisable)


def metrics(request: Received) -> Pending:
    """`POST /v1/metrics`: 200, with `partial_success` if data points were refused."""
    limits = decode_limits()
    body = _body(request)
    decode = decode_otlp_metrics_json if request.is_json else decode_otlp_metrics
    decoded = decode(body, limits, otlp_options(request.service or ""))

    def answer(receipt: WriteReceipt) -> Reply:
        if request.is_json:
            return _json_answer("rejectedDataPoints", receipt.refusals, "data points")
        response = ExportMetricsServiceResponse()
        if receipt.refusals:
            response.partial_success.rejected_data_points = receipt.refused
            response.partial_success.error_message = refused_sentence(receipt.refusals, "data points")
        return Reply(200, response.SerializeToString(), PROTOBUF)

    return Pending(write_decoded(decoded, request.service), answer, decoded.refusals)


def _body(request: Received) -> bytes:
    if request.content_type not in (PROTOBUF, JSON):
        raise UnsupportedEncoding(
            f"content type {request.content_type!r} is not understood; OTLP over HTTP is {PROTOBUF} or {JSON}"
        )
    return decompress(request.body, request.content_encoding, decode_limits())


def _json_answer(count_name: str, refusals: tuple[Refusal, ...], what: str) -> Reply:
    if not refusals:
        return Reply(200, b"{}", JSON)
    # 64-bit numbers are text in protobuf's JSON
    count = str(sum(refusal.count for refusal in refusals))
    document = {"partialSuccess": {count_name: count, "errorMessage": refused_sentence(refusals, what)}}
    return Reply(200, json.dumps(document).encode(), JSON)


def status_error(status: int, sentence: str, content_type: str) -> Reply:
    """google.rpc.Status in the encoding of the request; text for a request in no known encoding."""
    code = _RPC_CODES.get(status, 13)
    if content_type == JSON:
        return Reply(status, json.dumps({"code": code, "message": sentence}).encode(), JSON)
    if content_type != PROTOBUF:
        return Reply(status, f"{sentence}\n".encode())
    message = sentence.encode()
    return Reply(status, b"\x08" + bytes([code]) + b"\x12" + _varint(len(message)) + message, PROTOBUF)


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
