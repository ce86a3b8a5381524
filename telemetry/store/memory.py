"""What one process keeps in memory of its own store: all series, and the newest samples.

Exact because the process is the only one that writes the store; where others write it too, there is none of this.
"""

import logging
import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.errors import StoreUnavailable, TelemetryError
from telemetry.model.sample_matrix import MatrixColumns, SampleMatrix
from telemetry.model.samples import RawColumns, SeriesSet
from telemetry.model.time import TimeRange
from telemetry.store.commits import CommittedSamples, CommittedSeries
from telemetry.store.engine import Engine
from telemetry.store.grouping import SampleColumns, group_by_row
from telemetry.store.known import milliseconds
from telemetry.store.label_index import LabelIndex
from telemetry.store.label_load import load_labels
from telemetry.store.recent import BLOCK_MS, READS, RecentSamples
from telemetry.store.sample_blocks import SampleSink

logger = logging.getLogger(__name__)

_EXTENT: Final = (
    "SELECT count() > 0, toUnixTimestamp64Milli(min(timestamp)), toUnixTimestamp64Milli(max(timestamp)) FROM samples"
)
_BLOCK: Final = (
    "SELECT series, timestamp, value FROM samples FINAL "
    "WHERE timestamp >= fromUnixTimestamp64Milli({start:Int64}, 'UTC') "
    "AND timestamp < fromUnixTimestamp64Milli({end:Int64}, 'UTC') ORDER BY timestamp"
)


@dataclass(frozen=True, slots=True)
class _Held:
    """Series, and samples by the numbers that those have."""

    index: LabelIndex
    recent: RecentSamples


class StoreMemory:
    """Listens to commits; answers series at once and samples where they are recent."""

    def __init__(self, engine: Engine, sink: SampleSink, recent_bytes: int) -> None:
        self._engine = engine
        self._sink = sink
        self._lock = threading.Lock()
        """Held while something is taken in or read anew."""
        self._most_bytes = recent_bytes
        self._numbers: NDArray[np.int64] = np.full(1024, -1)
        """Number in the index of each series, by the writer's number."""
        self._held: _Held | None = None
        """None while it could not be read; the store answers then."""
        self._oldest_ms = 0
        self._wanted_ms: int | None = None
        self._wake = threading.Condition()
        self._closed = False
        self._ready()
        self._thread = threading.Thread(target=self._run, name="store-memory", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join()

    @property
    def index(self) -> LabelIndex | None:
        """All series, if they are known."""
        held = self._ready()
        return held.index if held else None

    # ---- in: what the writer tells

    def series_committed(self, series: CommittedSeries) -> None:
        with self._lock:
            if held := self._held:
                numbers = held.index.add(series.ids, series.labels, series.services, series.first_ms, series.last_ms)
                self._remember(series.numbers, numbers)

    def samples_committed(self, samples: CommittedSamples) -> None:
        with self._lock:
            if held := self._held:
                held.recent.add(self._numbers_of(held, samples), samples.timestamps_ms, samples.values)

    def histograms_committed(self, timestamps_ms: NDArray[np.int64]) -> None:
        """Native histograms are not kept in memory."""

    def contents_changed(self) -> None:
        with self._lock:
            self._held = None
        self._ready()

    def _ready(self) -> "_Held | None":
        held = self._held
        if held is not None or self._closed:
            return held
        with self._lock:
            if self._held is None:
                try:
                    self._load()
                except TelemetryError:
                    logger.exception("the series could not be read into memory")
            return self._held

    def _load(self) -> None:
        """Read the series; of the samples only how far they reach."""
        index = load_labels(self._engine)
        self._sink.settle()
        some, self._oldest_ms, newest_ms = map(int, self._engine.rows(_EXTENT)[0])
        recent = RecentSamples(self._most_bytes, newest_ms + 1) if some else RecentSamples(self._most_bytes)
        self._numbers = np.full(1024, -1)
        self._held = _Held(index, recent)

    def _remember(self, theirs: NDArray[np.int64], ours: NDArray[np.int64]) -> None:
        most = int(theirs.max(initial=-1)) + 1
        if most > len(self._numbers):
            longer = np.full(max(most, len(self._numbers) * 2), -1)
            longer[: len(self._numbers)] = self._numbers
            self._numbers = longer
        self._numbers[theirs] = ours

    def _numbers_of(self, held: "_Held", samples: CommittedSamples) -> NDArray[np.int64]:
        most = int(samples.numbers.max()) + 1
        numbers = self._numbers[samples.numbers] if most <= len(self._numbers) else None
        if numbers is None or (numbers < 0).any():
            theirs, first = np.unique(samples.numbers, return_index=True)
            self._remember(theirs, held.index.numbers_of(samples.ids[first]))
            numbers = self._numbers[samples.numbers]
        return numbers

    # ---- out

    def covers(self, time_range: TimeRange) -> bool:
        """Whether all samples of the range are here; if not, they are sent for as far as there is room."""
        held = self._ready()
        if held is None:
            return False
        if held.recent.covers(time_range):
            return True
        self._want(held.recent, time_range.start_ms)
        return False

    def read_samples(self, series: SeriesSet, time_range: TimeRange, most: int) -> RawColumns | None:
        """All samples in the range by row, if they are all here and not more than `most`."""
        found = self._read(series, time_range, most)
        READS.labels("store" if found is None else "memory").inc()
        return found

    def _read(self, series: SeriesSet, time_range: TimeRange, most: int) -> RawColumns | None:
        held = self._ready()
        if held is None:
            return None
        if not held.recent.covers(time_range):
            self._want(held.recent, time_range.start_ms)
            return None
        numbers = held.index.numbers_in(series)
        if (numbers < 0).any():
            return None
        found = held.recent.read(numbers, time_range, most)
        if found is None:
            return None
        if len(series.ids) == len(series):
            return MatrixColumns(found)
        return _joined_rows(series, found)

    # ---- samples of former runs

    def _want(self, recent: RecentSamples, start_ms: int) -> None:
        """Have samples from `start_ms` on read into memory, as far as there is room."""
        if recent.is_full:
            return
        with self._wake:
            self._wanted_ms = start_ms if self._wanted_ms is None else min(start_ms, self._wanted_ms)
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._wanted_ms is not None or self._closed)
                wanted, self._wanted_ms = self._wanted_ms, None
                if self._closed or wanted is None:
                    return
            try:
                self.reach_back(wanted)
            except TelemetryError:
                logger.exception("recent samples could not be read into memory")

    def reach_back(self, wanted_ms: int) -> None:
        """Read samples of former runs into memory, newest first, back to `wanted_ms` or until memory is full."""
        while not self._closed:
            with self._lock:
                held = self._held
                if held is None or held.recent.covered_from_ms <= wanted_ms or held.recent.is_full:
                    return
                self._read_block(held)

    def _read_block(self, held: "_Held") -> None:
        """Read the block before the covered time, or the rest of the one that is covered in part."""
        start = (held.recent.covered_from_ms - 1) // BLOCK_MS * BLOCK_MS
        if start + BLOCK_MS <= self._oldest_ms:
            held.recent.cover_everything()
            return
        self._sink.settle(TimeRange(start, start + BLOCK_MS - 1))
        found = self._engine.arrow(_BLOCK, {"start": start, "end": start + BLOCK_MS})
        numbers = held.index.numbers_of(found["series"].to_numpy())
        if (numbers < 0).any():
            raise StoreUnavailable("samples of a series that is not in the series table")
        held.recent.put(start, numbers, milliseconds(found["timestamp"]), found["value"].to_numpy())


def _joined_rows(series: SeriesSet, found: SampleMatrix) -> RawColumns:
    """Rows of several ids each, woven together."""
    columns = MatrixColumns(found)
    ids = np.repeat(series.ids, found.counts)
    return group_by_row(series, SampleColumns(ids, columns.timestamps_ms, columns.values))


def with_earlier(earlier: RawColumns, later: RawColumns) -> RawColumns:
    """Samples of the same series, first those of the earlier columns."""
    first, second = np.diff(earlier.offsets), np.diff(later.offsets)
    offsets = np.concatenate([[0], np.cumsum(first + second)])
    parts = ((earlier, first, offsets[:-1]), (later, second, offsets[:-1] + first))
    times, values = np.empty(int(offsets[-1]), np.int64), np.empty(int(offsets[-1]))
    for columns, counts, starts in parts:
        places = np.repeat(starts - columns.offsets[:-1], counts) + np.arange(int(counts.sum()))
        times[places], values[places] = columns.timestamps_ms, columns.values
    return RawColumns(offsets, times, values)
