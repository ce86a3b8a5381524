"""Remote write requests that only differ from a former one in values and timestamps, as most do from scrape to scrape.

A sender that walks through its series in one order sends the same bytes again and again, but for the samples. Such
a request is not parsed: its values and timestamps are taken from the places where the former one had them, and then
everything else is compared with the former one, byte by byte. One byte that differs, and it is parsed as any other.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from collectors.wire.compression import snappy_buffer
from collectors.wire.decoded import DecodedSamples
from collectors.wire.limits import DecodeLimits
from collectors.wire.remote_write import decode_write_request
from collectors.wire.sample_scan import ScannedSeries, is_stamped, scan, timestamps_of
from collectors.wire.series_labels import KEY_SPACE, decode_series_key
from telemetry.model.samples import SampleBatch, SeriesNumbers

MAX_BYTES: Final = 64 * 1024**2
"""Memory for former requests: some 300,000 series. The longest unused ones go first."""
_MAX_SIGHTINGS: Final = 4096
_MAX_FRONT: Final = 4096

Sight = tuple[str, int, bytes]
"""(service that the sender is bound to, length, bytes before the first sample) of a request."""


class _Keys(Sequence[bytes]):
    """Label bytes of each series, cut out of the former request when asked for."""

    def __init__(self, request: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        self._request, self._starts, self._ends = request, starts, ends

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        return self._request[self._starts[index] : self._ends[index]]


@dataclass(slots=True)
class _Former:
    """A former request: its bytes with zeros for values and timestamps, and where those are."""

    blank: bytes
    ends: NDArray[np.int64]
    """int64[N]: behind each sample."""
    valued: NDArray[np.int64]
    """Samples that have a value; the others are 0."""
    values_at: NDArray[np.int64]
    """int64[len(valued)]: where these values begin."""
    keys: _Keys
    key_index: NDArray[np.int64]
    numbers: SeriesNumbers

    @property
    def size(self) -> int:
        return len(self.blank) + 48 * len(self.ends)

    def read(self, request: bytearray) -> SampleBatch | None:
        """Samples of `request`, which is overwritten; None if it differs in more than samples."""
        tails = _words(request, "<u8")[self.ends - 8]
        if not is_stamped(tails).all():
            return None
        values = np.zeros(len(self.ends))
        values[self.valued] = _words(request, "<f8")[self.values_at]
        _blank(request, self.ends, self.values_at)
        if request != self.blank:
            return None
        return SampleBatch(
            key_space=KEY_SPACE,
            keys=self.keys,
            decode_key=decode_series_key,
            key_index=self.key_index,
            timestamps_ms=timestamps_of(tails),
            values=values,
            numbers=self._next_numbers(),
        )

    def _next_numbers(self) -> SeriesNumbers:
        """A copy, since another thread may fill the last one in; its epoch is read first, as it is written last."""
        epoch = self.numbers.epoch
        self.numbers = SeriesNumbers(self.numbers.numbers.copy(), epoch)
        return self.numbers


class RepeatedRequests:
    """Remembers requests that came twice. Safe to use from any thread."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._former: OrderedDict[Sight, _Former] = OrderedDict()
        self._sighted: OrderedDict[Sight, None] = OrderedDict()
        self._lock = threading.Lock()

    def decode(self, body: bytes, limits: DecodeLimits, bound: str) -> DecodedSamples:
        """As `decode_write_request` of the snappy block `body`; `bound` is the service that its sender is bound to."""
        request = snappy_buffer(body, limits)
        sight = (bound, len(request), _front(request))
        former = self._find(sight)
        if former is not None:
            batch = former.read(request)
            if batch is not None:
                limits.check_samples(len(batch))
                return DecodedSamples(batch)
            request = snappy_buffer(body, limits)
        plain = bytes(request)
        if self._came_before(sight) and (scanned := scan(plain, limits)):
            return DecodedSamples(self._remember(sight, plain, scanned))
        return decode_write_request(plain, limits)

    def _find(self, sight: Sight) -> _Former | None:
        with self._lock:
            former = self._former.get(sight)
            if former is not None:
                self._former.move_to_end(sight)
            return former

    def _came_before(self, sight: Sight) -> bool:
        with self._lock:
            if sight in self._sighted:
                return True
            self._sighted[sight] = None
            if len(self._sighted) > _MAX_SIGHTINGS:
                self._sighted.popitem(last=False)
            return False

    def _remember(self, sight: Sight, request: bytes, scanned: ScannedSeries) -> SampleBatch:
        """Keep `request` as a former one; its batch."""
        former = _former(request, scanned)
        with self._lock:
            replaced = self._former.pop(sight, None)
            self._former[sight] = former
            self._bytes += former.size - (replaced.size if replaced else 0)
            while self._bytes > self._max_bytes:
                self._bytes -= self._former.popitem(last=False)[1].size
        batch = former.read(bytearray(request))
        assert batch is not None  # noqa: S101 - it is the request itself
        return replace(batch, keys=list(former.keys))


def _front(request: bytearray) -> bytes:
    """What stands before the first sample, or before what looks like one."""
    found = [request.find(begin, 0, _MAX_FRONT) for begin in (b"\x12\x10\x09", b"\x12\x07\x10")]
    return bytes(request[: min((at for at in found if at >= 0), default=_MAX_FRONT)])


def _former(request: bytes, scanned: ScannedSeries) -> _Former:
    starts, ends = scanned.sample_starts, scanned.sample_ends
    valued = np.flatnonzero(ends - starts == _LONG)
    values_at = starts[valued] + 3
    blank = bytearray(request)
    _blank(blank, ends, values_at)
    plain = bytes(blank)
    count = len(scanned.label_starts)
    series = np.arange(count, dtype=np.int64)
    return _Former(
        blank=plain,
        ends=ends,
        valued=valued,
        values_at=values_at,
        keys=_Keys(plain, scanned.label_starts, scanned.label_ends),
        key_index=series if count == len(ends) else np.repeat(series, scanned.counts),
        numbers=SeriesNumbers(np.full(count, -1, np.int64)),
    )


_LONG: Final = 18
"""Bytes of a sample that has a value, tag and length included."""


def _blank(request: bytearray, ends: NDArray[np.int64], values_at: NDArray[np.int64]) -> None:
    """Overwrite values (8 bytes) and timestamps (6 bytes before each end) with zeros."""
    _words(request, "<u8")[values_at] = 0
    _words(request, "<u4")[ends - 6] = 0
    _words(request, "<u2")[ends - 2] = 0


def _words(request: bytearray, kind: str) -> NDArray[Any]:
    size = np.dtype(kind).itemsize
    return np.ndarray((len(request) - size + 1,), dtype=kind, buffer=request, strides=(1,))
