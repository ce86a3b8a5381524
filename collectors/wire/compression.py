"""Bodies out of their compression, without ever holding more than the limit.

Declared lengths are read before anything is allocated; where nothing is declared, output is counted while it is made.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Final

import cramjam
import zstandard

from collectors.wire.limits import DecodeLimits, UnsupportedEncoding
from telemetry.model.errors import InvalidInput

_CHUNK: Final = 1024**2
_MAX_MEMBERS: Final = 100
"""Most gzip members or zstd frames of one body: unpacking takes time in the square of their number."""
_ZSTD_WINDOW: Final = 8 * 1024**2
"""Largest window that decoders have to offer. Source: RFC 8878, section 3.1.1.1.2"""


def decompress(body: bytes, encoding: str, limits: DecodeLimits) -> bytes:
    """`body` out of the HTTP content encoding `encoding`.

    Raises UnsupportedEncoding naming what is understood, InvalidInput if the data is broken, LimitExceeded.
    """
    word = encoding.strip().lower()
    if word in ("", "identity"):
        limits.check_decoded(len(body))
        return body
    reader = _READERS.get(word)
    if reader is None:
        raise UnsupportedEncoding(
            f"content encoding {encoding!r} is not understood; use {', '.join(sorted(_READERS))} or none"
        )
    return reader(body, limits)


def snappy_block(body: bytes, limits: DecodeLimits) -> bytes:
    """`body` out of the snappy block format, which declares its length in front."""
    return bytes(snappy_buffer(body, limits))


def snappy_buffer(body: bytes, limits: DecodeLimits) -> bytearray:
    """As `snappy_block`, into a buffer of the caller's own."""
    if not body:
        raise InvalidInput("the body is empty; in snappy block format even nothing takes one byte")
    try:
        size = cramjam.snappy.decompress_raw_len(body)
        limits.check_decoded(size)
        out = bytearray(size)
        written = cramjam.snappy.decompress_raw_into(body, out) if size else 0
    except (cramjam.DecompressionError, ValueError, OverflowError) as error:
        raise InvalidInput(f"the body is not in snappy block format: {error}") from error
    if written != size:
        raise InvalidInput(f"the body is broken snappy: it declares {size} bytes and holds {written}")
    return out


def gzip_members(body: bytes, limits: DecodeLimits) -> bytes:
    """`body` out of gzip, all members of it."""
    return _inflate(body, 31, "gzip", limits)


def deflate(body: bytes, limits: DecodeLimits) -> bytes:
    """`body` out of "deflate": the zlib format, or the bare one that some senders mean by the word."""
    has_zlib_header = len(body) >= 2 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
    return _inflate(body, 15 if has_zlib_header else -15, "deflate", limits)


def zstd_frames(body: bytes, limits: DecodeLimits) -> bytes:
    """`body` out of zstd: measured first, then unpacked frame by frame, since only that tells a cut frame."""
    try:
        limits.check_decoded(_zstd_size(body, limits))
        return b"".join(_zstd_each(body))
    except zstandard.ZstdError as error:
        raise InvalidInput(f"the body is broken zstd: {error}") from error


def _inflate(body: bytes, window_bits: int, word: str, limits: DecodeLimits) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in _inflated(body, window_bits, word):
        size += len(chunk)
        limits.check_decoded(size)
        chunks.append(chunk)
    return b"".join(chunks)


def _inflated(body: bytes, window_bits: int, word: str) -> Iterator[bytes]:
    rest = body
    for _ in range(_MAX_MEMBERS):
        stream = zlib.decompressobj(window_bits)
        try:
            while not stream.eof:
                chunk = stream.decompress(rest, _CHUNK)
                rest = stream.unconsumed_tail
                if not chunk and not rest and not stream.eof:
                    raise InvalidInput(f"the body is broken {word}: it ends too early")
                yield chunk
        except zlib.error as error:
            raise InvalidInput(f"the body is broken {word}: {error}") from error
        rest = stream.unused_data
        if not rest or window_bits != 31:
            return
    raise InvalidInput(f"the body has more than {_MAX_MEMBERS} {word} members")


def _zstd_size(body: bytes, limits: DecodeLimits) -> int:
    declared = zstandard.frame_content_size(body)
    if declared > limits.max_decoded_bytes:
        return int(declared)
    size = 0
    with _zstd(limits.max_decoded_bytes).stream_reader(body, read_across_frames=True) as reader:
        while size <= limits.max_decoded_bytes and (chunk := reader.read(_CHUNK)):
            size += len(chunk)
    return size


def _zstd_each(body: bytes) -> Iterator[bytes]:
    rest = body
    for _ in range(_MAX_MEMBERS):
        frame = zstandard.ZstdDecompressor().decompressobj()
        yield frame.decompress(rest)
        if not frame.eof:
            raise InvalidInput("the body is broken zstd: it ends too early")
        rest = frame.unused_data
        if not rest:
            return
    raise InvalidInput(f"the body has more than {_MAX_MEMBERS} zstd frames")


def _zstd(max_bytes: int) -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(max_window_size=max(_ZSTD_WINDOW, 1 << (max_bytes - 1).bit_length()))


_READERS: Final[dict[str, Callable[[bytes, DecodeLimits], bytes]]] = {
    "deflate": deflate,
    "gzip": gzip_members,
    "snappy": snappy_block,
    "x-gzip": gzip_members,
    "x-snappy": snappy_block,
    "zstd": zstd_frames,
}
