"""Metrics pages: Prometheus text format 0.0.4 and OpenMetrics 1.0 in, columns out.

What stands before the value of a line repeats from scrape to scrape: it is the key of the series, and a key that an
earlier call gave back needs no second look.
Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
"""

from collections.abc import Container
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from collectors.wire.decoded import DecodedSamples, ExemplarRows, RefusalNotes
from collectors.wire.exposition_exemplars import cut_exemplars
from collectors.wire.exposition_metadata import FamilyNotes
from collectors.wire.exposition_numbers import page_milliseconds, page_number, shown
from collectors.wire.exposition_series import SERIES, TargetSeries
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels
from telemetry.model.samples import SampleBatch

_END: Final = b"# EOF"
_PLAIN: Final = TargetSeries()


class SeriesReader(Protocol):
    """Gives the series of a page their labels, as `TargetSeries` does."""

    @property
    def key_space(self) -> str: ...

    def labels(self, series: bytes) -> Labels: ...


def parse_exposition(
    page: bytes,
    *,
    default_timestamp_ms: int,
    openmetrics: bool = False,
    target: SeriesReader = _PLAIN,
    known: Container[bytes] = frozenset(),
    limits: DecodeLimits,
) -> SampleBatch:
    """Samples and metadata of a page; those without a timestamp of their own get `default_timestamp_ms`.

    `known` are keys that an earlier call with the same `target` gave back, best as a set. Exemplars are left
    out. Keys may repeat if the page repeats itself. Raises InvalidInput with the number of the line that is not
    understood, LimitExceeded.
    """
    plain, _ = cut_exemplars(page) if openmetrics else (page, ())
    reader = _PageReader(default_timestamp_ms, openmetrics, target, known, limits)
    for number, line in enumerate(_lines(plain, openmetrics), 1):
        reader.line(number, line)
    return reader.batch()


def decode_pushed_page(
    page: bytes, *, now_ms: int, openmetrics: bool, target: SeriesReader, limits: DecodeLimits
) -> DecodedSamples:
    """A page with its exemplars; one that is not understood is refused by name. Raises as `parse_exposition`."""
    plain, texts = cut_exemplars(page) if openmetrics else (page, ())
    batch = parse_exposition(plain, default_timestamp_ms=now_ms, openmetrics=openmetrics, target=target, limits=limits)
    rows, notes = ExemplarRows(), RefusalNotes()
    for each in texts:
        try:
            rows.add(each.series, each.read(now_ms))
        except InvalidInput as error:
            notes.add("invalid_exemplar", f"an exemplar of {shown(each.series)}: {error}")
    return DecodedSamples(batch, notes.all(), exemplars=rows.batch(target.key_space, target.labels))


def is_openmetrics(content_type: str) -> bool:
    """Whether a page of this content type is OpenMetrics; everything else is read as Prometheus text."""
    return content_type.partition(";")[0].strip().lower() == "application/openmetrics-text"


def _lines(page: bytes, openmetrics: bool) -> list[bytes]:
    lines = page.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    if openmetrics:
        if not lines or lines[-1].rstrip() != _END:
            raise InvalidInput("the page does not end in `# EOF`: it was cut, or it is not OpenMetrics")
        lines.pop()
    return lines


class _PageReader:
    def __init__(
        self, default_ms: int, openmetrics: bool, target: SeriesReader, known: Container[bytes], limits: DecodeLimits
    ) -> None:
        self._default_ms = default_ms
        self._openmetrics = openmetrics
        self._target = target
        self._known = known
        self._limits = limits
        self._families = FamilyNotes()
        self._keys: list[bytes] = []
        self._values: list[bytes] = []
        self._numbers: list[int] = []
        self._timestamps: dict[int, int] = {}

    def line(self, number: int, line: bytes) -> None:
        key, _, value = line.rpartition(b" ")
        if key not in self._known or b"\t" in value:
            if line[:1] == b"#":
                self._comment(number, line)
                return
            if not line.strip():
                return
            key, value = self._unknown(number, line)
        self._keys.append(key)
        self._values.append(value)
        self._numbers.append(number)

    def batch(self) -> SampleBatch:
        count = len(self._keys)
        timestamps = np.full(count, self._default_ms, dtype=np.int64)
        for position, timestamp in self._timestamps.items():
            timestamps[position] = timestamp
        return SampleBatch(
            key_space=self._target.key_space,
            keys=self._keys,
            decode_key=self._target.labels,
            key_index=np.arange(count, dtype=np.int64),
            timestamps_ms=timestamps,
            values=self._floats(),
            metadata=self._families.all(),
        )

    def _comment(self, number: int, line: bytes) -> None:
        try:
            self._families.comment(line)
        except InvalidInput as error:
            raise InvalidInput(f"line {number}: {error}") from error
        if self._openmetrics and line.rstrip() == _END:
            raise InvalidInput(f"line {number}: there is something behind `# EOF`")

    def _unknown(self, number: int, line: bytes) -> tuple[bytes, bytes]:
        """(key, value) of a line that was not seen before in this form; notes its timestamp."""
        self._limits.check_samples(len(self._keys) + 1)
        series = SERIES.match(line)
        behind = series.end() if series else 0
        key, rest = line[:behind].rstrip(b" \t"), line[behind:]
        words = rest.split()
        if len(words) not in (1, 2):
            raise InvalidInput(f"line {number}: expected `series value [timestamp]`: {shown(line)}")
        try:
            if key not in self._known:
                self._target.labels(key)
            if len(words) == 2:
                self._timestamps[len(self._keys)] = page_milliseconds(words[1], openmetrics=self._openmetrics)
        except InvalidInput as error:
            raise InvalidInput(f"line {number}: {error}") from error
        return key, words[0]

    def _floats(self) -> NDArray[np.float64]:
        self._limits.check_samples(len(self._values))
        try:
            if b"_" in b"".join(self._values):
                raise ValueError("underscores are for Python alone")
            return np.array(list(map(float, self._values)), dtype=np.float64)
        except ValueError:
            return np.array(list(map(_float, self._values, self._numbers)), dtype=np.float64)


def _float(word: bytes, number: int) -> float:
    """As `page_number`; what is raised names the line."""
    try:
        return page_number(word)
    except InvalidInput as error:
        raise InvalidInput(f"line {number}: {error}") from error
