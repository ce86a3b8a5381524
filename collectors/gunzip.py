"""Gunzip in small steps, so that a bomb is noticed before it is unpacked; pure."""

import zlib
from collections.abc import Iterator
from typing import Final

_STEP_BYTES: Final = 1 << 16
_GZIP: Final = 31
"""zlib's window bits for the gzip container."""


class GunzipError(ValueError):
    """The data is no gzip or too large; the message goes after the name of what was read."""


class StreamingGunzip:
    """Decompresses a gzip stream (of any number of members) piece by piece up to a limit in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit, self._total, self._started = limit, 0, False
        self._inflate = zlib.decompressobj(_GZIP)

    @property
    def is_complete(self) -> bool:
        """Whether the stream ended where a member ends; an empty one did."""
        return self._inflate.eof or not self._started

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of at most 64 KiB. Raises GunzipError."""
        while data:
            self._started = True
            yield from self._member(data)
            data = self._inflate.unused_data if self._inflate.eof else b""
            if data:
                self._inflate = zlib.decompressobj(_GZIP)

    def _member(self, data: bytes) -> Iterator[bytes]:
        while True:
            piece = self._step(data)
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail
            # A full piece may leave output inside zlib although all input was taken.
            if self._inflate.eof or (not data and len(piece) < _STEP_BYTES):
                return

    def _step(self, data: bytes) -> bytes:
        try:
            piece = self._inflate.decompress(data, _STEP_BYTES)
        except zlib.error as error:
            raise GunzipError(f"is broken gzip: {error}") from error
        self._total += len(piece)
        if self._total > self._limit:
            raise GunzipError(f"is over the limit of {self._limit} bytes when decompressed")
        return piece
