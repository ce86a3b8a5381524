"""Counts lines by service, pattern, severity and minute, and errors by group and minute, until they are stored."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.logs import SEVERITY_RANGES
from telemetry.patterns.book import Pattern, PatternBook
from telemetry.patterns.errors import ErrorSignature, SignatureCache

MINUTE_MS: Final = 60_000
_ERROR: Final = 17
_TRACE_MARKS: Final = (b"Traceback (most recent call last)", b"goroutine ", b"Exception")
"""What a record without a severity holds if it is an error."""

_SEVERITY: Final = np.zeros(256, np.uint8)
for _word, _first, _last in SEVERITY_RANGES:
    _SEVERITY[_first : _last + 1] = _first
"""severity_number -> first number of its range"""


@dataclass(slots=True)
class Span:
    """First and last time of something, ms since 1970."""

    first_ms: int
    last_ms: int

    def stretch(self, first_ms: int, last_ms: int) -> None:
        self.first_ms, self.last_ms = min(self.first_ms, first_ms), max(self.last_ms, last_ms)


class CountKey(NamedTuple):
    """What lines are counted by: `subject` is a pattern or an error."""

    service: str
    subject: int
    severity: int
    """First severity_number of the range; 0 for errors and for lines without one."""
    minute: int


class ErrorSeen:
    """One error of one service since the last flush."""

    __slots__ = ("sample", "signature", "span")

    def __init__(self, signature: ErrorSignature, sample: str, at_ms: int) -> None:
        self.signature, self.sample, self.span = signature, sample, Span(at_ms, at_ms)


class Tally:
    """Not safe for several threads."""

    def __init__(self, most_patterns: int) -> None:
        self._most = most_patterns
        self.books: dict[str, PatternBook] = {}
        self.pattern_counts: dict[CountKey, int] = defaultdict(int)
        self.pattern_spans: dict[tuple[str, int], Span] = {}
        self.error_counts: dict[CountKey, int] = defaultdict(int)
        self.errors: dict[tuple[str, int], ErrorSeen] = {}
        self._signatures = SignatureCache()

    def book(self, service: str) -> PatternBook:
        if service not in self.books:
            self.books[service] = PatternBook(service, self._most)
        return self.books[service]

    def pattern(self, service: str, number: int) -> Pattern:
        return self.books[service].patterns[number]

    def forget(self, services: Sequence[str]) -> None:
        """Nothing of `services` is known any more."""
        for service in services:
            self.books.pop(service, None)
        for counted in (self.pattern_counts, self.pattern_spans, self.error_counts, self.errors):
            _drop(counted, services)

    def start_again(self) -> None:
        """Forget the counts, keep what was learnt."""
        self.pattern_counts.clear()
        self.pattern_spans.clear()
        self.error_counts.clear()
        self.errors.clear()

    def count(self, records: pa.Table) -> None:
        """Count rows of (service, timestamp_ms, severity_number, body, attributes)."""
        services = records["service"].combine_chunks().dictionary_encode()
        codes = services.indices.to_numpy(zero_copy_only=False)
        times = records["timestamp_ms"].to_numpy()
        severities = records["severity_number"].to_numpy()
        lines = Lines(records["body"])
        for code, service in enumerate(services.dictionary.to_pylist()):
            places = np.flatnonzero(codes == code) if len(services.dictionary) > 1 else np.arange(len(codes))
            numbers = np.array(self.book(service).number_lines(lines.data, lines.spans(places)), dtype=np.int64)
            self._count_patterns(service, numbers, times[places], _SEVERITY[severities[places]])
        for place in _error_places(severities, lines):
            self._count_error(services.dictionary[codes[place]].as_py(), records, int(place), int(times[place]))

    def _count_patterns(
        self, service: str, numbers: NDArray[np.int64], times: NDArray[np.int64], severities: NDArray[np.uint8]
    ) -> None:
        minutes = times // MINUTE_MS
        base = int(minutes.min())
        keys = ((minutes - base) << 40) | (numbers << 8) | severities
        found, counts = np.unique(keys, return_counts=True)
        for key, count in zip(found.tolist(), counts.tolist(), strict=True):
            self.pattern_counts[CountKey(service, key >> 8 & 0xFFFFFFFF, key & 0xFF, base + (key >> 40))] += count
        for number in np.unique(numbers).tolist():
            mine = times[numbers == number]
            self._stretch(service, number, int(mine.min()), int(mine.max()))

    def _stretch(self, service: str, number: int, first_ms: int, last_ms: int) -> None:
        span = self.pattern_spans.get((service, number))
        if span is None:
            self.pattern_spans[service, number] = Span(first_ms, last_ms)
        else:
            span.stretch(first_ms, last_ms)

    def _count_error(self, service: str, records: pa.Table, place: int, at_ms: int) -> None:
        body = records["body"][place].as_py()
        signature = self._signatures.of(body, records["attributes"][place].as_py())
        key = (service, signature.fingerprint)
        if key in self.errors:
            self.errors[key].span.stretch(at_ms, at_ms)
        else:
            self.errors[key] = ErrorSeen(signature, body, at_ms)
        self.error_counts[CountKey(service, signature.fingerprint, 0, at_ms // MINUTE_MS)] += 1


def _drop(counted: dict[Any, Any], services: Sequence[str]) -> None:
    for key in [key for key in counted if key[0] in services]:
        del counted[key]


class Lines:
    """A column of text as one block of bytes with the place of each line in it."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        text = column.combine_chunks().cast(pa.large_binary())
        _, offsets, data = text.buffers()
        self.data = data.to_pybytes() if data is not None else b""
        self._offsets = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]

    def spans(self, places: NDArray[np.int64]) -> Iterable[tuple[int, int]]:
        return zip(self._offsets[places].tolist(), self._offsets[places + 1].tolist(), strict=True)

    def holds(self, place: int, marks: Sequence[bytes]) -> bool:
        start, end = int(self._offsets[place]), int(self._offsets[place + 1])
        return any(self.data.find(mark, start, end) >= 0 for mark in marks)


def _error_places(severities: NDArray[np.uint8], lines: Lines) -> Iterable[int]:
    """Rows of errors: by severity, or by a trace in a record that has none."""
    yield from np.flatnonzero(severities >= _ERROR).tolist()
    for place in np.flatnonzero(severities == 0).tolist():
        if lines.holds(place, _TRACE_MARKS):
            yield place
