"""Metrics pages: Prometheus text format 0.0.4 and OpenMetrics 1.0 in, columns out.

What stands before the value of a line repeats from scrape to scrape: it is the key of the series, and a key that an
earlier call gave back needs no second look.
Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
"""

import re
from collections.abc import Container
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from collectors.wire.exposition_metadata import FamilyNotes
from collectors.wire.exposition_series import TargetSeries
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels
from telemetry.model.samples import SampleBatch

_SERIES: Final = re.compile(rb"""[ \t]*+[^ \t{#"]*+[ \t]*+(?:\{(?:[^"}\n]++|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+")*+\})?""")
"""Never goes back and takes plain text whole: no thread runs while a pattern does, and a value may have megabytes."""

_EXEMPLAR: Final = re.compile(rb"[ \t]+#[ \t]*\{")
_HEX: Final = re.compile(rb"[+-]?0x", re.IGNORECASE)
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
    reader = _PageReader(default_timestamp_ms, openmetrics, target, known, limits)
    for number, line in enumerate(_lines(page, openmetrics), 1):
        reader.line(number, line)
    return reader.batch()


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
        series = _SERIES.match(line)
        behind = series.end() if series else 0
        key, rest = line[:behind].rstrip(b" \t"), line[behind:]
        if self._openmetrics and (exemplar := _EXEMPLAR.search(rest)):
            rest = rest[: exemplar.start()]
        words = rest.split()
        if len(words) not in (1, 2):
            raise InvalidInput(f"line {number}: expected `series value [timestamp]`: {_shown(line)}")
        try:
            if key not in self._known:
                self._target.labels(key)
            if len(words) == 2:
                self._timestamps[len(self._keys)] = self._milliseconds(words[1])
        except InvalidInput as error:
            raise InvalidInput(f"line {number}: {error}") from error
        return key, words[0]

    def _milliseconds(self, word: bytes) -> int:
        try:
            timestamp = round(float(word) * 1000) if self._openmetrics else int(word)
        except (ValueError, OverflowError) as error:
            raise InvalidInput(f"{_shown(word)} is not a timestamp") from error
        if abs(timestamp) >= 2**63 or b"_" in word:
            raise InvalidInput(f"{_shown(word)} is not a timestamp")
        return timestamp

    def _floats(self) -> NDArray[np.float64]:
        self._limits.check_samples(len(self._values))
        try:
            if b"_" in b"".join(self._values):
                raise ValueError("underscores are for Python alone")
            return np.array(list(map(float, self._values)), dtype=np.float64)
        except ValueError:
            return np.array(list(map(_float, self._values, self._numbers)), dtype=np.float64)


def _float(word: bytes, number: int) -> float:
    """A value as Go writes numbers, hexadecimal ones included. Raises InvalidInput with the line's number."""
    try:
        if b"_" not in word:
            return float.fromhex(word.decode()) if _HEX.match(word) else float(word)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(f"line {number}: {_shown(word)} is not a number")


def _shown(data: bytes) -> str:
    return repr(data[:200].decode(errors="replace"))
