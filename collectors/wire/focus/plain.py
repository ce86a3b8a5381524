"""Bytes of a file, unpacked if it is gzip, up to a limit."""

import zlib
from typing import Final

from collectors.wire.focus.errors import FocusRefused
from telemetry.model.errors import LimitExceeded

_GZIP: Final = b"\x1f\x8b"


def plain_bytes(body: bytes, limit: int) -> bytes:
    """`body`, or what it holds if it is gzip. Raises FocusRefused if it is cut off or broken, LimitExceeded."""
    return _unpacked(body, limit) if body[:2] == _GZIP else _within(body, limit)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise LimitExceeded(f"the file has more than {limit} bytes when unpacked", limit_name="max_decoded_bytes")
    return body


def _unpacked(body: bytes, limit: int) -> bytes:
    """All members of a gzip file (they may follow one another)."""
    parts: list[bytes] = []
    rest, room = body, limit + 1
    while rest:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            part = unpacker.decompress(rest, room)
        except zlib.error as error:
            raise FocusRefused(f"the gzip file is broken: {error}") from error
        parts.append(part)
        room -= len(part)
        if room <= 0:
            _within(b"".join(parts), limit)
        if not unpacker.eof:
            raise FocusRefused("the gzip file ends early: it was cut off")
        rest = unpacker.unused_data.lstrip(b"\0")
    return b"".join(parts)
