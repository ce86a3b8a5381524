"""What is asked of the store and what it answers, beside the values of telemetry.model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Matcher
from telemetry.model.logs import LogRecord
from telemetry.store.pattern_queries import LogPattern


class GridFunction(StrEnum):
    """Functions over the window before each grid time; the value is the engine's name for it."""

    RATE = "timeSeriesRateToGrid"
    INCREASE = "timeSeriesIncreaseToGrid"
    DELTA = "timeSeriesDeltaToGrid"
    INSTANT_RATE = "timeSeriesInstantRateToGrid"
    INSTANT_DELTA = "timeSeriesInstantDeltaToGrid"
    LAST = "timeSeriesResampleToGridWithStaleness"
    """The newest sample of the window, absent if that is a staleness marker: an instant vector."""


class Direction(StrEnum):
    BACKWARD = "backward"
    """Newest first."""
    FORWARD = "forward"


@dataclass(frozen=True, slots=True)
class LogCursor:
    """Place after the last record of a page: its timestamp, and how many of that timestamp were already shown."""

    timestamp_ns: int
    shown: int

    def __str__(self) -> str:
        return f"{self.timestamp_ns}-{self.shown}"

    @classmethod
    def parse(cls, text: str) -> "LogCursor":
        """Inverse of str(). Raises InvalidInput."""
        timestamp, dash, shown = text.partition("-")
        if not (dash and timestamp.isascii() and timestamp.isdigit() and shown.isascii() and shown.isdigit()):
            raise InvalidInput(f"invalid cursor {text[:80]!r}")
        return cls(int(timestamp), int(shown))


@dataclass(frozen=True, slots=True)
class LineCondition:
    """A line contains one of the texts or matches one of the patterns; none of them if `negative`."""

    texts: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    negative: bool = False


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Conditions on log records, ANDed; an empty condition selects everything."""

    start_ns: int
    """Included."""
    end_ns: int
    """Included."""
    services: tuple[str, ...] = ()
    """Any of these."""
    matchers: tuple[Matcher, ...] = ()
    """On the labels of the stream."""
    fields: tuple[Matcher, ...] = ()
    """On fields of a JSON body or of the attributes; dots lead to nested ones."""
    severity_min: int = 0
    """Least severity_number; 0 also selects records without one."""
    severity_max: int = 255
    text: str = ""
    """Substring of the body or the attributes in any case."""
    texts: tuple[str, ...] = ()
    """Each as `text`."""
    not_texts: tuple[str, ...] = ()
    """None of them as `text`."""
    token: str = ""
    """Substring of the body or the attributes in this case that begins and ends at word boundaries; uses the index of
    long words."""
    trace_id: str = ""
    lines: tuple[LineCondition, ...] = ()
    """On the body, all of them."""
    pattern: LogPattern | None = None
    """Only lines of this pattern."""
    limit: int = 100
    direction: Direction = Direction.BACKWARD
    cursor: LogCursor | None = None
    """Continue after this place, in the same direction with the same conditions."""

    def after(self, page: Sequence[LogRecord]) -> "LogQuery | None":
        """The query for the page after `page`; None if `page` was the last."""
        if len(page) < self.limit:
            return None
        last_ns = page[-1].timestamp_ns
        shown = sum(record.timestamp_ns == last_ns for record in page)
        if self.cursor and self.cursor.timestamp_ns == last_ns:
            shown += self.cursor.shown
        return replace(self, cursor=LogCursor(last_ns, shown))

    def __post_init__(self) -> None:
        if self.end_ns < self.start_ns:
            raise InvalidInput(f"end {self.end_ns} ns is before start {self.start_ns} ns")
        if self.limit < 1:
            raise InvalidInput(f"limit must be at least 1, not {self.limit}")


@dataclass(frozen=True, slots=True)
class LogHistogram:
    """Number of records per step and severity word."""

    times_ms: NDArray[np.int64]
    """int64[T]: start of each step, aligned to whole steps since 1970."""
    counts: dict[str, NDArray[np.int64]]
    """Severity word -> int64[T]; words without a record are left out."""

    @property
    def total(self) -> int:
        return int(sum(column.sum() for column in self.counts.values()))


@dataclass(frozen=True, slots=True)
class LogFacets:
    """Most frequent values among the records of a query, each with its number of records, most first."""

    services: list[tuple[str, int]]
    severities: list[tuple[str, int]]
    labels: dict[str, list[tuple[str, int]]]
    """Name of a stream label -> its values."""


@dataclass(frozen=True, slots=True)
class LogExtent:
    """How many records a query selects, and from when to when; 0 at both ends if there are none."""

    rows: int
    oldest_ns: int
    newest_ns: int

    @property
    def oldest_ms(self) -> int:
        return self.oldest_ns // 10**6

    @property
    def newest_ms(self) -> int:
        return self.newest_ns // 10**6


@dataclass(frozen=True, slots=True)
class LogDeletion:
    """Receipt of a deletion by query. `matched` were there before it, `left` afterwards."""

    matched: int
    left: int

    @property
    def gone(self) -> int:
        return self.matched - self.left


@dataclass(frozen=True, slots=True)
class TableUsage:
    """Size of one table on disk."""

    table: str
    rows: int
    bytes_on_disk: int
    bytes_uncompressed: int


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """Newest telemetry of a service, in ms since 1970; None if there is none of that signal."""

    metrics_ms: int | None = None
    logs_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceVolume:
    """How much of the stored telemetry belongs to a service."""

    series: int = 0
    log_records: int = 0
