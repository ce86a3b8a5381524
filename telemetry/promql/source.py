"""Where queries get their samples: the reader side of the store, and the same over samples in memory."""

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from telemetry.model.errors import LimitExceeded
from telemetry.model.histograms import Histogram, RawHistograms, raw_histograms
from telemetry.model.labels import Labels, Matcher, label_value
from telemetry.model.samples import Frame, RawColumns, SeriesSet
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.store.queries import GridFunction
from telemetry.store.settings import ENV_NAMES


class SampleSource(Protocol):
    """What evaluation asks of a store of samples."""

    def select_series(
        self, selectors: Sequence[Sequence[Matcher]], time_range: TimeRange, *, limit: int | None = None
    ) -> SeriesSet:
        """Series that may have samples in the range, by labels; matchers of a selector are ANDed, selectors ORed.

        Raises LimitExceeded for more than `limit`.
        """

    def read_samples(self, series: SeriesSet, time_range: TimeRange) -> RawColumns:
        """All samples in the range, both ends included, staleness markers too, one a timestamp."""


@runtime_checkable
class HistogramSource(SampleSource, Protocol):
    """A source that also has native histogram samples."""

    def has_histograms(self, series: SeriesSet) -> bool:
        """Whether any of these series may have some at any time; cheap."""

    def read_histograms(self, series: SeriesSet, time_range: TimeRange) -> RawHistograms | None:
        """As `read_samples`; None if there are none."""


@runtime_checkable
class GridSource(SampleSource, Protocol):
    """A source that can also compute functions over windows next to its samples."""

    def in_memory(self, time_range: TimeRange) -> bool:
        """Whether reading the samples of the range costs nothing but this process's time."""

    def grid(self, series: SeriesSet, function: GridFunction, grid: TimeGrid, window_ms: int) -> Frame:
        """`function` over (t - window, t] for each time of the grid, one row a row of `series`."""


class MemorySource:
    """Samples in memory: for trying rules on made-up series, and for tests."""

    def __init__(self) -> None:
        self._series: dict[Labels, dict[int, float]] = {}
        self._columns: dict[Labels, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self._histograms: dict[Labels, dict[int, Histogram]] = {}

    def add(self, labels: Labels, samples: Iterable[tuple[int, float]]) -> None:
        """Add (timestamp_ms, value) pairs; a later one replaces an earlier one of the same time."""
        self._series.setdefault(labels, {}).update(samples)
        self._columns.pop(labels, None)

    def add_histograms(self, labels: Labels, samples: Iterable[tuple[int, Histogram]]) -> None:
        """As `add`, for native histogram samples."""
        self._series.setdefault(labels, {})
        self._histograms.setdefault(labels, {}).update(samples)

    def has_histograms(self, series: SeriesSet) -> bool:
        return any(labels in self._histograms for labels in series.labels)

    def read_histograms(self, series: SeriesSet, time_range: TimeRange) -> RawHistograms | None:
        rows = [
            sorted(
                (timestamp, histogram)
                for timestamp, histogram in self._histograms.get(labels, {}).items()
                if time_range.start_ms <= timestamp <= time_range.end_ms
            )
            for labels in series.labels
        ]
        return raw_histograms(rows) if any(rows) else None

    def select_series(
        self, selectors: Sequence[Sequence[Matcher]], time_range: TimeRange, *, limit: int | None = None
    ) -> SeriesSet:
        chosen = [
            labels
            for labels in sorted(self._series)
            if any(all(matcher.matches(label_value(labels, matcher.name)) for matcher in one) for one in selectors)
        ]
        if limit is not None and len(chosen) > limit:
            name = ENV_NAMES["max_query_series"]
            raise LimitExceeded(f"the query selects more than {limit} series ({name})", limit_name=name)
        number = np.arange(len(chosen))
        return SeriesSet(number.astype(np.uint64), chosen, [""] * len(chosen), number)

    def read_samples(self, series: SeriesSet, time_range: TimeRange) -> RawColumns:
        columns = [self._between(labels, time_range) for labels in series.labels]
        offsets = np.cumsum([0, *(len(timestamps) for timestamps, _ in columns)], dtype=np.int64)
        return RawColumns(
            offsets,
            np.concatenate([np.empty(0, dtype=np.int64), *(timestamps for timestamps, _ in columns)]),
            np.concatenate([np.empty(0), *(values for _, values in columns)]),
        )

    def _between(self, labels: Labels, time_range: TimeRange) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        timestamps, values = self._sorted(labels)
        inside = slice(
            int(np.searchsorted(timestamps, time_range.start_ms, side="left")),
            int(np.searchsorted(timestamps, time_range.end_ms, side="right")),
        )
        return timestamps[inside], values[inside]

    def _sorted(self, labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        if labels not in self._columns:
            samples = sorted(self._series[labels].items())
            timestamps = np.array([timestamp for timestamp, _ in samples], dtype=np.int64)
            self._columns[labels] = timestamps, np.array([value for _, value in samples], dtype=np.float64)
        return self._columns[labels]
