"""systemd's journal: `POST /upload` as systemd-journal-upload sends it, and `POST /api/logs/journal`."""

from typing import Final

from collectors.receivers.answers import refused_sentence
from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Pending, Received, Reply
from collectors.receivers.repeats import is_recognisable
from collectors.wire.compression import decompress
from collectors.wire.journal_export import decode_journal
from collectors.wire.limits import UnsupportedEncoding
from telemetry.model.samples import WriteReceipt
from telemetry.store.current import current

_TYPES: Final = ("application/vnd.fdo.journal", "application/octet-stream", "application/x-www-form-urlencoded", "")


def push(request: Received) -> Pending:
    """200 once everything is stored, 400 naming what was refused while the rest is stored."""
    if request.content_type not in _TYPES:
        raise UnsupportedEncoding(f"content type {request.content_type!r} is no journal; use {_TYPES[0]}")
    limits = decode_limits()
    body = decompress(request.body, request.content_encoding, limits)
    decoded = decode_journal(body, limits, received_ns=request.received_ns)

    def answer(receipt: WriteReceipt) -> Reply:
        if receipt.refusals:
            return Reply(400, f"{refused_sentence(receipt.refusals, 'entries')}\n".encode())
        return Reply(200, b"OK.\n")

    recognisable = is_recognisable(decoded.batch, request.received_ns)
    return Pending(current().write_logs(decoded.batch, service=request.service), answer, decoded.refusals, recognisable)
