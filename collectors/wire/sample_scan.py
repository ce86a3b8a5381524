"""Remote write requests of the usual shape, found and proved with array arithmetic alone.

The usual shape is what Prometheus and its like send: series after series, each with its labels first and then one
or more samples whose timestamps lie between 1971 and 2109 (six varint bytes). A sample then is one of

    12 10 09 <8 bytes of value> 10 <6 bytes of timestamp>
    12 07 10 <6 bytes of timestamp>                          (value 0 is left out by protobuf)

Every place that looks like a sample is found at once; then it is proved that header, labels and samples of each
series fill the request without a gap. What cannot be proved is left to the general decoder, never guessed at.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from collectors.wire.limits import DecodeLimits

Indices = NDArray[np.int64]

_SAMPLE: Final = 0x12
_VALUE: Final = 0x09
_TIMESTAMP: Final = 0x10
_LONG: Final = 16
_SHORT: Final = 7
_BEFORE: Final = 22
"""Longest sample in all, in bytes: whatever could stand between labels and the samples that were found."""


@dataclass(frozen=True, slots=True)
class ScannedSeries:
    """G series with N samples."""

    label_starts: Indices
    """int64[G]: labels of series i are the bytes label_starts[i]:label_ends[i]."""
    label_ends: Indices
    counts: Indices
    """int64[G]: samples of each series, together N."""
    sample_starts: Indices
    """int64[N]: each sample, from its tag on, is the bytes sample_starts[i]:sample_ends[i]."""
    sample_ends: Indices
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    """float64[N], bit for bit as sent."""


def scan(request: bytes, limits: DecodeLimits) -> ScannedSeries | None:
    """Series and samples of an uncompressed v1 request, None unless all of it has the usual shape.

    Raises LimitExceeded.
    """
    data = np.frombuffer(request, dtype=np.uint8)
    positions = _candidates(data)
    limits.check_samples(len(positions))
    if not len(positions):
        return None
    ends = positions + 2 + data[positions + 1]
    tails = _words(request, "<u8")[ends - 8]
    shaped = _is_sample(data, positions, tails)
    if not shaped.all():
        positions, ends, tails = positions[shaped], ends[shaped], tails[shaped]
    if not len(positions) or ends[-1] != len(request):
        return None
    firsts = np.flatnonzero(np.concatenate(([True], positions[1:] != ends[:-1])))
    label_starts = _label_starts(request, data, positions, ends, firsts)
    if label_starts is None or _has_other_samples(data, positions[firsts]):
        return None
    return ScannedSeries(
        label_starts=label_starts,
        label_ends=positions[firsts],
        counts=np.diff(firsts, append=len(positions)),
        sample_starts=positions,
        sample_ends=ends,
        timestamps_ms=timestamps_of(tails),
        values=_values(request, data, positions),
    )


def _candidates(data: NDArray[np.uint8]) -> Indices:
    """Positions of a sample's tag with a length that it can have, inside the request to its end."""
    if len(data) < _SHORT + 2:
        return np.empty(0, dtype=np.int64)
    lengths = data[1:-_SHORT]
    found = lengths == _LONG
    found |= lengths == _SHORT
    found &= data[: -_SHORT - 1] == _SAMPLE
    positions = np.flatnonzero(found)
    complete = positions + 2 + data[positions + 1] <= len(data)
    return positions if complete.all() else positions[complete]


def _is_sample(data: NDArray[np.uint8], positions: Indices, tails: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which candidates have a value's tag if they are long, a timestamp's tag and six bytes of a varint."""
    long = data[positions + 1] == _LONG
    begins = data[positions + 2] == np.where(long, _VALUE, _TIMESTAMP)
    return np.asarray(begins & is_stamped(tails))


def is_stamped(tails: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of these words (the last eight bytes of samples) end in a timestamp's tag and six bytes of a varint."""
    return np.asarray(tails & np.uint64(0x8080_8080_8080_FF00) == np.uint64(0x0080_8080_8080_1000))


def _label_starts(
    request: bytes, data: NDArray[np.uint8], positions: Indices, ends: Indices, firsts: Indices
) -> Indices | None:
    """int64[G]: where the labels of each series begin; None unless the series follow each other without a gap."""
    starts = np.concatenate(([0], ends[firsts[1:] - 1]))
    behind = np.append(ends[firsts[1:] - 1], ends[-1])
    if not (data[starts] == 0x0A).all():
        return None
    lengths, sizes = _varints(_words(request, "<u4")[starts + 1])
    label_starts: Indices = starts + 1 + sizes.astype(np.int64)
    complete = (label_starts + lengths == behind) & (label_starts <= positions[firsts])
    return label_starts if complete.all() else None


def _varints(words: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """(values, bytes taken) of the varints that begin with the given bytes; one of more than four bytes gives 0."""
    one = np.uint32(1)
    values = words & np.uint32(0x7F)
    sizes = np.full(len(words), one)
    continued = words >> np.uint32(7) & one
    for group in range(1, 4):
        if not continued.any():
            return values, sizes
        sizes += continued
        values |= -continued & (words >> np.uint32(group)) & np.uint32(0x7F << 7 * group)
        continued &= words >> np.uint32(7 + 8 * group)
    values[continued > 0] = 0
    return values, sizes


def _has_other_samples(data: NDArray[np.uint8], label_ends: Indices) -> bool:
    """Whether a sample of another shape could stand between the labels and the samples of some series.

    Such a sample would pass for a part of the labels. It begins with its tag, the length of what is left,
    and a field of its own (or nothing); a label's value could do so only if it began with a control character.
    """
    if len(data) < _BEFORE:
        return True
    windows = sliding_window_view(data, _BEFORE)[np.maximum(label_ends - _BEFORE, 0)]
    for row in np.flatnonzero(label_ends < _BEFORE):
        windows[row] = np.concatenate((np.zeros(_BEFORE, np.uint8), data[: label_ends[row]]))[-_BEFORE:]
    flat = np.append(windows.reshape(-1), np.zeros(2, np.uint8))
    tags = np.flatnonzero(flat == _SAMPLE)
    remaining = _BEFORE - 2 - tags % _BEFORE
    tags = tags[(remaining >= 0) & (flat[tags + 1] == remaining)]
    fields = flat[tags + 2]
    return bool(((fields == _VALUE) | (fields == _TIMESTAMP) | (tags % _BEFORE == _BEFORE - 2)).any())


def timestamps_of(tails: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Six varint bytes, the upper ones of each word, as numbers."""
    word = tails >> np.uint64(16)
    result = word & np.uint64(0x7F)
    for group in range(1, 6):
        result |= (word >> np.uint64(group)) & np.uint64(0x7F << 7 * group)
    return result.astype(np.int64)


def _values(request: bytes, data: NDArray[np.uint8], positions: Indices) -> NDArray[np.float64]:
    """float64[N]: the eight bytes behind the value's tag, 0 for samples that leave them out."""
    values = _words(request, "<f8")[np.minimum(positions + 3, len(request) - 8)]
    values[data[positions + 1] == _SHORT] = 0.0
    return values


def _words(request: bytes, kind: str) -> NDArray[Any]:
    """The word that begins at each byte, without copying (a view whose steps are single bytes)."""
    size = np.dtype(kind).itemsize
    return np.ndarray((len(request) - size + 1,), dtype=kind, buffer=request, strides=(1,))
