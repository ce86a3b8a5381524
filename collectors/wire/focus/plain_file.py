"""A bill's file as plain bytes: unpacked, counted and looked over while it is read, never held whole."""

import gzip
import hashlib
import io
import zlib
from typing import IO, Any, Final

from collectors.wire.focus.errors import FocusRefused
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput, LimitExceeded

_GZIP: Final = b"\x1f\x8b"
_CHUNK: Final = 1024**2


def plain_file(file: IO[bytes], limits: DecodeLimits) -> "PlainFile":
    """`file` from its start, out of gzip if it is packed."""
    file.seek(0)
    packed = file.read(2) == _GZIP
    file.seek(0)
    return PlainFile(gzip.GzipFile(fileobj=file) if packed else file, limits)


def digest(file: IO[bytes], limits: DecodeLimits) -> str:
    """SHA-256 of the plain content, in hex. Raises InvalidInput for broken gzip, LimitExceeded."""
    plain, state = plain_file(file, limits), hashlib.sha256()
    while chunk := plain.read(_CHUNK):
        state.update(chunk)
    return state.hexdigest()


class PlainFile(io.RawIOBase):
    """Readable bytes. Raises InvalidInput for broken gzip, LimitExceeded for more than the limit."""

    def __init__(self, source: Any, limits: DecodeLimits) -> None:
        super().__init__()
        self._source = source
        self._limits = limits
        self._size = 0
        self._quotes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._read(self._source.read, size)
        self._quotes += chunk.count(b'"')
        return chunk

    def readinto(self, buffer: Any) -> int:
        chunk = self.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def first_line(self) -> bytes:
        """The line at the position, with its end."""
        line = self._read(self._source.readline, _CHUNK)
        self._quotes += line.count(b'"')
        return line

    def check_complete(self) -> None:
        """Raises FocusRefused if what was read ends inside a quoted field."""
        if self._quotes % 2:
            raise FocusRefused("the file ends inside a quoted field: it was cut off")

    def _read(self, read: Any, size: int) -> bytes:
        try:
            chunk: bytes = read(size)
        except EOFError as error:
            raise InvalidInput("the gzip file ends too early: it was cut off") from error
        except (zlib.error, gzip.BadGzipFile) as error:
            raise InvalidInput(f"the file is broken gzip: {error}") from error
        self._size += len(chunk)
        if self._size > self._limits.max_decoded_bytes:
            raise LimitExceeded(
                f"the bill unpacks to more bytes than are read, over the limit of {self._limits.max_decoded_bytes:,} "
                "(BELVEDERE_MAX_BILL_BYTES)",
                limit_name="BELVEDERE_MAX_BILL_BYTES",
            )
        return chunk
