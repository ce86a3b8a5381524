"""Noise that is a function of seed, stream and time: the same wherever a simulation starts or is cut in two.

The generator is SplitMix64 (Steele, Lea and Flood: Fast splittable pseudorandom number generators, 2014), used as a
hash of its counter.
"""

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MASK: Final = 0xFFFFFFFFFFFFFFFF


def stream_of(seed: int, *words: object) -> int:
    """Number of a stream of noise, from words that name it."""
    text = "/".join(map(str, (seed, *words))).encode()
    return zlib.crc32(text) << 32 | zlib.adler32(text)


def uniform(stream: int, ticks: Times) -> Floats:
    """float64[T] in [0, 1), one independent value a tick."""
    state = ticks.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64((stream * _GOLDEN) & _MASK)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def one(stream: int, tick: int = 0) -> float:
    """A single value in [0, 1)."""
    return float(uniform(stream, np.array([tick], np.int64))[0])


def wander(stream: int, times_ms: Times, period_ms: int) -> Floats:
    """float64[T] in [-1, 1] that drifts smoothly, with a new direction every `period_ms`."""
    place = times_ms / period_ms
    before = np.floor(place).astype(np.int64)
    part = place - before
    eased = part * part * (3 - 2 * part)
    left, right = uniform(stream, before), uniform(stream, before + 1)
    return 2 * (left + (right - left) * eased) - 1
