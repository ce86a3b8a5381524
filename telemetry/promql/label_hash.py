"""The hash of a label set that Prometheus takes: xxHash64 over names and values, each with its length before it.

Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
"""

from struct import unpack_from
from typing import Final

from telemetry.model.labels import Labels

_MASK: Final = 2**64 - 1
_P1: Final = 0x9E3779B185EBCA87
_P2: Final = 0xC2B2AE3D27D4EB4F
_P3: Final = 0x165667B19E3779F9
_P4: Final = 0x85EBCA77C2B2AE63
_P5: Final = 0x27D4EB2F165667C5
_LONG: Final = 255
"""First byte of the length of texts from here on; three more follow it."""


def label_hash(labels: Labels) -> int:
    """64 bits, the same for all time."""
    return xxh64(b"".join(_sized(text.encode("utf-8", "surrogateescape")) for pair in labels for text in pair))


def _sized(text: bytes) -> bytes:
    size = len(text)
    return (bytes((size,)) if size < _LONG else bytes((_LONG,)) + size.to_bytes(3, "little")) + text


def xxh64(data: bytes) -> int:
    """xxHash64 with seed 0."""
    total, position = _P5, 0
    if len(data) >= 32:
        total, position = _stripes(data)
    total = (total + len(data)) & _MASK
    while position + 8 <= len(data):
        total ^= _round(0, unpack_from("<Q", data, position)[0])
        total = (_rotated(total, 27) * _P1 + _P4) & _MASK
        position += 8
    if position + 4 <= len(data):
        total ^= unpack_from("<I", data, position)[0] * _P1 & _MASK
        total = (_rotated(total, 23) * _P2 + _P3) & _MASK
        position += 4
    for byte in data[position:]:
        total ^= byte * _P5 & _MASK
        total = _rotated(total, 11) * _P1 & _MASK
    return _avalanche(total)


def _stripes(data: bytes) -> tuple[int, int]:
    """(sum of all whole stripes of 32 bytes, position behind them)."""
    lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
    position = 0
    while position + 32 <= len(data):
        lanes = [_round(lane, word) for lane, word in zip(lanes, unpack_from("<4Q", data, position), strict=True)]
        position += 32
    total = sum(_rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
    for lane in lanes:
        total = ((total ^ _round(0, lane)) * _P1 + _P4) & _MASK
    return total, position


def _round(lane: int, word: int) -> int:
    return _rotated((lane + word * _P2) & _MASK, 31) * _P1 & _MASK


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK


def _avalanche(value: int) -> int:
    value = (value ^ value >> 33) * _P2 & _MASK
    value = (value ^ value >> 29) * _P3 & _MASK
    return value ^ value >> 32
