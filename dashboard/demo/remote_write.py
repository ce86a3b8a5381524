"""Series to remote write v1 messages: many samples of a series at once, laid out by numpy.

Source: https://prometheus.io/docs/specs/prw/remote_write_spec/ . A sample is a message of 16 bytes
(tag, double, tag, varint of six bytes) behind a tag and a length, since timestamps of 1971 to 2109 in milliseconds
take six bytes.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import cramjam
import numpy as np
from numpy.typing import NDArray

from dashboard.demo.blocks import SeriesBlock
from dashboard.demo.noise import Floats, Times

MOST_SAMPLES: Final = 200_000
"""Of one request: 3.6 MB before compression."""

_SAMPLE_BYTES: Final = 18
_HEAD: Final = np.frombuffer(bytes([0x12, 16, 0x09]), np.uint8)
_TIMESTAMP_TAG: Final = 0x10


def requests_of(blocks: Iterable[SeriesBlock], most_samples: int = MOST_SAMPLES) -> Iterator[tuple[bytes, int]]:
    """(snappy body, number of samples) of requests that together hold all of `blocks`, in order."""
    parts: list[bytes] = []
    count = 0
    for block in blocks:
        if parts and count + len(block.times_ms) > most_samples:
            yield _packed(parts), count
            parts, count = [], 0
        parts.append(_time_series(block))
        count += len(block.times_ms)
    if parts:
        yield _packed(parts), count


def _packed(parts: list[bytes]) -> bytes:
    return bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def _time_series(block: SeriesBlock) -> bytes:
    body = b"".join(_label(name, value) for name, value in block.labels) + _samples(block.times_ms, block.values)
    return b"\x0a" + varint(len(body)) + body


@lru_cache(maxsize=50_000)
def _label(name: str, value: str) -> bytes:
    pair = _text(0x0A, name) + _text(0x12, value)
    return b"\x0a" + varint(len(pair)) + pair


def _text(tag: int, text: str) -> bytes:
    encoded = text.encode()
    return bytes([tag]) + varint(len(encoded)) + encoded


def varint(number: int) -> bytes:
    """Base 128, low bits first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _samples(times_ms: Times, values: Floats) -> bytes:
    rows = np.empty((len(times_ms), _SAMPLE_BYTES), np.uint8)
    rows[:, :3] = _HEAD
    rows[:, 3:11] = values.astype("<f8").view(np.uint8).reshape(-1, 8)
    rows[:, 11] = _TIMESTAMP_TAG
    rows[:, 12:] = _six_byte_varints(times_ms)
    return rows.tobytes()


def _six_byte_varints(numbers: Times) -> NDArray[np.uint8]:
    """uint8[N, 6]. Raises ValueError for a number that takes another length."""
    if len(numbers) and (int(numbers.min()) < 1 << 35 or int(numbers.max()) >= 1 << 42):
        raise ValueError("timestamps must lie between 1971 and 2109")
    shifts = np.arange(6, dtype=np.int64) * 7
    groups = (numbers[:, None] >> shifts[None, :]) & 0x7F
    groups[:, :5] |= 0x80
    return groups.astype(np.uint8)
