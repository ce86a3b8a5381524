"""Syslog messages out of a TCP stream: octet counting and lines, told apart message by message.

A message that begins with a number and `<` is counted (`123 <34>1 ...`); every other one ends with a line feed, perhaps
with a carriage return or NUL before it. Source: RFC 6587, sections 3.4.1 and 3.4.2
"""

from collections.abc import Iterator
from typing import Final

_DIGITS: Final = b"0123456789"
_MOST_DIGITS: Final = 9
_ENDINGS: Final = b"\r\x00"


class Framer:
    """State of one connection. Of a message over `max_bytes` the beginning is kept, with a mark that tells its size."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._skip = 0
        """Bytes of a counted message that are still to come and will not be kept."""
        self._kept = b""
        """Beginning of a line that became too long, whose end has not come."""
        self._dropped = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Messages that `data` completes."""
        self._buffer += data
        while (message := self._next()) is not None:
            if message:
                yield message

    def end(self) -> bytes:
        """What is left when the connection ends: the last line often lacks its line feed."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        counted = _counted(rest)
        message = rest[counted[1] :] if counted and not self._kept else rest
        return self._whole(message.rstrip(_ENDINGS)) if message or self._kept else b""

    def _next(self) -> bytes | None:
        if self._skip:
            skipped = min(self._skip, len(self._buffer))
            del self._buffer[:skipped]
            self._skip -= skipped
            if self._skip:
                return None
        if not self._buffer:
            return None
        if not self._kept and (counted := _counted(self._buffer)):
            return self._next_counted(*counted)
        return self._next_line()

    def _next_counted(self, length: int, start: int) -> bytes | None:
        kept = min(length, self._max_bytes)
        if len(self._buffer) < start + kept:
            return None
        message = bytes(self._buffer[start : start + kept])
        del self._buffer[: start + kept]
        self._skip = length - kept
        return message if kept == length else message + _mark(length)

    def _next_line(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > self._max_bytes:
                self._keep_beginning()
            return None
        line = bytes(self._buffer[:end]).rstrip(_ENDINGS)
        del self._buffer[: end + 1]
        return self._whole(line)

    def _keep_beginning(self) -> None:
        self._kept = self._kept or bytes(self._buffer[: self._max_bytes])
        self._dropped += len(self._buffer)
        self._buffer.clear()

    def _whole(self, line: bytes) -> bytes:
        """`line`, or the kept beginning of the long one that it ends."""
        size, kept = self._dropped + len(line), self._kept or line[: self._max_bytes]
        self._kept, self._dropped = b"", 0
        return kept if size == len(kept) else kept + _mark(size)


def _counted(buffer: bytes | bytearray) -> tuple[int, int] | None:
    """(length, start) of a counted message at the beginning of `buffer`, None if there is none (yet)."""
    if not buffer or buffer[0] not in _DIGITS[1:]:
        return None
    space = buffer.find(b" ", 0, _MOST_DIGITS + 1)
    if (
        space < 0
        or any(byte not in _DIGITS for byte in buffer[:space])
        or buffer[space + 1 : space + 2] not in (b"<", b"")
    ):
        return None
    return int(buffer[:space]), space + 1


def _mark(size: int) -> bytes:
    return f"… [cut: {size} bytes]".encode()
