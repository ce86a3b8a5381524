"""One evaluation: what it reads from, what it may use, and what it has used and noted so far."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from telemetry.model.cancellation import Cancellation
from telemetry.model.errors import LimitExceeded, QueryTimeout
from telemetry.model.histograms import Histogram, RawHistograms
from telemetry.model.labels import Matcher
from telemetry.model.samples import RawColumns, SeriesSet
from telemetry.model.time import TimeRange
from telemetry.promql.annotations import Annotations
from telemetry.promql.ast import AtAnchor, Duration
from telemetry.promql.durations import duration_ms
from telemetry.promql.reads import names_read
from telemetry.promql.source import HistogramSource, SampleSource
from telemetry.store.settings import ENV_NAMES

EARLIEST_MS: Final = -2_208_988_800_000
LATEST_MS: Final = 10_413_791_999_999
"""The years 1900 to 2299."""


@dataclass(frozen=True, slots=True)
class Options:
    """Limits and defaults of the language; the names of limits are those of settings.TELEMETRY."""

    lookback_ms: int = 300_000
    """How long a sample stays current."""
    evaluation_interval_ms: int = 60_000
    """Step of subqueries that name none."""
    timeout_seconds: float = 60.0
    max_series: int = 200_000
    """Series that one query may select."""
    max_samples: int = 50_000_000
    """Samples that one query may read, and points it may hold."""
    max_points: int = 11_000
    """Points a series of a range query."""
    max_days: int = 0
    """Days between start and end of a range query; 0 for no limit."""
    sample_interval_ms: int = 15_000
    """Usual time between two samples of a series; a guess that only chooses the way of computing."""
    prefer_memory: bool = True
    """Compute from samples in memory whatever is there, rather than in the engine."""
    delayed_name_removal: bool = False
    """Keep metric names until the end of a query, so that labels can be made of them
    (Prometheus' feature promql-delayed-name-removal)."""
    keep_results: bool = True
    """Answer from kept results, where an engine keeps any, and keep this one."""
    cancellation: Cancellation | None = None
    """Thrown when nobody waits for the answer any more."""

    @classmethod
    def of(cls, limits: Mapping[str, float]) -> "Options":
        """Options with the limits that settings.TELEMETRY holds."""
        return cls(
            lookback_ms=int(limits["lookback_seconds"] * 1000),
            timeout_seconds=float(limits["query_timeout_seconds"]),
            max_series=int(limits["max_query_series"]),
            max_samples=int(limits["max_query_samples"]),
            max_points=int(limits["max_query_points"]),
            max_days=int(limits["max_query_days"]),
        )


@dataclass(slots=True)
class Statistics:
    """What a query has cost."""

    series: int = 0
    """Series selected, each selector counted."""
    samples: int = 0
    """Samples read from the store."""
    points: int = 0
    """Samples of intermediate and final vectors."""
    seconds: float = 0.0
    metrics: set[str] = field(default_factory=set)
    """Metric names that selectors name."""


@dataclass(slots=True)
class Run:
    """State of one evaluation."""

    source: SampleSource
    options: Options
    text: str
    start_ms: int
    """First and last evaluation time of the whole query; @ start() and @ end() mean these."""
    end_ms: int
    step_ms: int
    """0 for an instant query."""
    deadline: float
    """time.monotonic() at which the query is given up."""
    notes: Annotations
    invariant: frozenset[int] = frozenset()
    """id() of the nodes that have the same value at every evaluation time."""
    statistics: Statistics = field(default_factory=Statistics)
    read: dict[tuple[tuple[Matcher, ...], TimeRange], tuple[SeriesSet, RawColumns]] = field(default_factory=dict)
    """What selectors have read, so that the same selector reads once."""
    histograms_read: dict[tuple[tuple[Matcher, ...], TimeRange], RawHistograms | None] = field(default_factory=dict)
    """The same, for native histograms."""

    def check_time(self) -> None:
        """Raises QueryTimeout once the deadline has passed, QueryCancelled once nobody waits."""
        if self.options.cancellation is not None:
            self.options.cancellation.check()
        if time.monotonic() > self.deadline:
            seconds = self.options.timeout_seconds
            raise QueryTimeout(f"query timed out in expression evaluation after {seconds:g} s")

    def count_samples(self, number: int) -> None:
        """Note samples read. Raises LimitExceeded (`max_query_samples`)."""
        self.statistics.samples += number
        if self.statistics.samples > self.options.max_samples:
            raise limit_exceeded("max_query_samples", self.options.max_samples, "the query reads more than {} samples")

    def count_points(self, number: int) -> None:
        """Note a vector of `number` points about to be made. Raises LimitExceeded (`max_query_samples`)."""
        self.statistics.points = max(self.statistics.points, number)
        if number > self.options.max_samples:
            what = f"the query would hold {number} points at once; the limit is {{}}"
            raise limit_exceeded("max_query_samples", self.options.max_samples, what)

    def milliseconds(self, duration: Duration | None, *, negative: bool = False) -> int:
        """Value of a duration of this query; 0 for None."""
        if duration is None:
            return 0
        return duration_ms(duration, step_ms=self.step_ms, range_ms=self.end_ms - self.start_ms, negative=negative)

    def instant_ms(self, at: int | AtAnchor) -> int:
        """Time that an @ modifier names."""
        if isinstance(at, AtAnchor):
            return self.start_ms if at is AtAnchor.START else self.end_ms
        return at

    def read_samples(self, matchers: tuple[Matcher, ...], time_range: TimeRange) -> tuple[SeriesSet, RawColumns]:
        """Series of a selector with their samples in a range; read once a run."""
        time_range = _storable(time_range)
        key = (matchers, time_range)
        if key not in self.read:
            series = self.select(matchers, time_range)
            columns = self.source.read_samples(series, time_range)
            self.count_samples(len(columns))
            self.check_time()
            self.read[key] = series, columns
        return self.read[key]

    def read_histograms(self, matchers: tuple[Matcher, ...], time_range: TimeRange) -> RawHistograms | None:
        """Native histograms of the series that `read_samples` gives for the same arguments; None if there are none."""
        time_range = _storable(time_range)
        key = (matchers, time_range)
        if key not in self.histograms_read:
            series = self.read[key][0]
            found = None
            if isinstance(self.source, HistogramSource) and self.source.has_histograms(series):
                found = self.source.read_histograms(series, time_range)
                self.count_samples(0 if found is None else sum(map(_size, found.values)))
            self.histograms_read[key] = found
        return self.histograms_read[key]

    def has_histograms(self, series: SeriesSet) -> bool:
        """Whether any of these series may have native histogram samples."""
        return isinstance(self.source, HistogramSource) and self.source.has_histograms(series)

    def select(self, matchers: tuple[Matcher, ...], time_range: TimeRange) -> SeriesSet:
        """Series of a selector. Raises LimitExceeded (`max_query_series`)."""
        self.check_time()
        time_range = _storable(time_range)
        remaining = self.options.max_series - self.statistics.series
        if remaining < 0:
            raise limit_exceeded("max_query_series", self.options.max_series, "the query selects more than {} series")
        series = self.source.select_series([matchers], time_range, limit=remaining)
        self.statistics.series += len(series)
        self.statistics.metrics |= names_read(matchers, series)
        return series


def _size(histogram: Histogram) -> int:
    """How many float samples a histogram weighs, by its bytes as Prometheus counts them."""
    return 10 + (len(histogram.positive) + len(histogram.negative) + len(histogram.custom_bounds)) // 2


def _storable(time_range: TimeRange) -> TimeRange:
    """The part of a range that any store knows; outside of it there are no samples."""
    start, end = (min(max(at, EARLIEST_MS), LATEST_MS) for at in (time_range.start_ms, time_range.end_ms))
    return TimeRange(start, end)


def limit_exceeded(field: str, limit: int, sentence: str) -> LimitExceeded:
    """Error for a limit of the settings; `sentence` has a place for the limit."""
    name = ENV_NAMES[field]
    return LimitExceeded(f"{sentence.format(limit)} ({name})", limit_name=name)
