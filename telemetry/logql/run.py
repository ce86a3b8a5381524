"""Limits and counts of one query."""

import time
from dataclasses import dataclass, field

from telemetry.logql.source import LogSource
from telemetry.model.cancellation import Cancellation
from telemetry.model.errors import LimitExceeded, QueryTimeout
from telemetry.model.labels import Matcher
from telemetry.store.log_lines import StreamSet
from telemetry.store.settings import ENV_NAMES


@dataclass(frozen=True, slots=True)
class Options:
    """What a query may cost."""

    timeout_seconds: float = 60
    max_series: int = 200_000
    max_points: int = 11_000
    max_entries: int = 5_000
    max_days: int = 400
    pushdown: bool = True
    """Whether the engine does what it can; without, every line is looked at here. For tests of equality."""
    cancellation: Cancellation | None = None
    """Thrown when nobody waits for the answer any more."""


@dataclass(slots=True)
class Statistics:
    """What a query cost."""

    seconds: float = 0.0
    lines: int = 0
    """Lines that were looked at here, and lines that the engine counted."""
    bytes: int = 0
    """Bytes of lines that were looked at here."""
    entries: int = 0
    streams: int = 0
    """Streams selected, each selector counted."""
    selectors: list[str] = field(default_factory=list)
    """Stream selectors of the query."""


@dataclass(slots=True)
class Run:
    """One evaluation."""

    source: LogSource
    options: Options
    statistics: Statistics = field(default_factory=Statistics)
    started: float = field(default_factory=time.monotonic)

    @property
    def deadline(self) -> float:
        return self.started + self.options.timeout_seconds

    def check_time(self) -> None:
        """Raise QueryTimeout after the deadline, QueryCancelled once nobody waits."""
        if self.options.cancellation is not None:
            self.options.cancellation.check()
        if time.monotonic() > self.deadline:
            name = ENV_NAMES["query_timeout_seconds"]
            raise QueryTimeout(f"the query took longer than {self.options.timeout_seconds:g} s ({name})")

    def select(self, matchers: tuple[Matcher, ...], start_ns: int, end_ns: int) -> StreamSet:
        """Streams that match and may have lines between."""
        streams = self.source.select_log_streams(matchers, start_ns, end_ns)
        self.statistics.streams += len(streams)
        self.statistics.selectors.append("{" + ", ".join(map(str, matchers)) + "}")
        return streams

    def check_series(self, number: int) -> None:
        """Raise LimitExceeded for too many series of one range aggregation."""
        most = self.options.max_series
        if number > most:
            name = ENV_NAMES["max_query_series"]
            raise LimitExceeded(f"maximum of series ({most}) reached for a single query ({name})", limit_name=name)
