"""Loki push: 204 when all is stored, 400 naming what was refused while the rest is stored."""

from collectors.receivers.answers import refused_sentence
from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Pending, Received, Reply
from collectors.receivers.repeats import is_recognisable
from collectors.wire.compression import decompress, snappy_block
from collectors.wire.limits import UnsupportedEncoding
from collectors.wire.loki_push import decode_loki_push, decode_loki_push_json
from telemetry.model.samples import WriteReceipt
from telemetry.store.current import current

_PROTOBUF = ("application/x-protobuf", "application/protobuf")


def push(request: Received) -> Pending:
    """`POST /loki/api/v1/push` in JSON or snappy protobuf."""
    limits = decode_limits()
    if request.is_json:
        body = decompress(request.body, request.content_encoding, limits)
        decoded = decode_loki_push_json(body, limits, received_ns=request.received_ns)
    elif request.content_type in _PROTOBUF or not request.content_type:
        decoded = decode_loki_push(snappy_block(request.body, limits), limits, received_ns=request.received_ns)
    else:
        raise UnsupportedEncoding(
            f"content type {request.content_type!r} is not understood; use application/json or application/x-protobuf"
        )

    def answer(receipt: WriteReceipt) -> Reply:
        if not receipt.refusals:
            return Reply(204)
        return Reply(400, f"{refused_sentence(receipt.refusals, 'entries')}\n".encode())

    recognisable = is_recognisable(decoded.batch, request.received_ns)
    return Pending(current().write_logs(decoded.batch, service=request.service), answer, decoded.refusals, recognisable)
