"""Acknowledged samples on their way to the engine: in the journal and in memory, inserted in large sorted blocks.

Whoever reads the table asks for `settle` first, so that a reader sees everything that was acknowledged.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.errors import StoreUnavailable, TelemetryError
from telemetry.model.time import TimeRange
from telemetry.store import own_metrics
from telemetry.store.journal import Journal, JournalRecord, Segment
from telemetry.store.settings import StoreSettings

logger = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class BufferedSamples:
    """Samples of one group by dense number of their series, as columns of equal length."""

    numbers: NDArray[np.int64]
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]


Insert = Callable[[Sequence[BufferedSamples]], None]


class SampleBuffer:
    """One thread adds, one inserts, any number settle."""

    def __init__(self, journal: Journal, insert: Insert, settings: StoreSettings) -> None:
        self._journal = journal
        self._insert = insert
        self._block_rows = settings.batch_rows
        self._seconds = settings.insert_seconds
        self._groups: list[BufferedSamples] = []
        self._segments: list[Segment] = []
        self._rows = 0
        self._oldest = 0.0
        self._extent: TimeRange | None = None
        self._added = 0
        self._inserted = 0
        self._failures = 0
        self._hurry = self._closed = False
        self._error: TelemetryError | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="store-inserts", daemon=True)
        self._thread.start()

    def add(self, ids: NDArray[np.uint64], samples: BufferedSamples) -> None:
        """Take a group; it is on the disk when this returns. Waits while two blocks are on their way.

        Raises StoreUnavailable, with nothing promised, if the journal or the engine does not take any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._rows < 2 * self._block_rows or self._error)
            if self._error and self._rows >= 2 * self._block_rows:
                raise StoreUnavailable(f"the engine takes no samples: {self._error}") from self._error
            self._journal.append(JournalRecord(ids, samples.timestamps_ms, samples.values))
            self._take_in(samples)

    def settle(self, time_range: TimeRange | None = None) -> None:
        """Return once everything added before (in `time_range`) is in the engine. Raises what the engine raised."""
        with self._changed:
            if self._extent is None or not (time_range is None or _overlap(self._extent, time_range)):
                return
            target, failures = self._added, self._failures
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._inserted >= target or self._failures > failures)
            if self._inserted < target and self._error:
                raise self._error

    def close(self) -> None:
        """Insert what is there and end; what the engine does not take stays in the journal for the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        for segment in (*self._segments, *self._journal.cut()):
            segment.release()

    def _take_in(self, samples: BufferedSamples) -> None:
        if not self._groups:
            self._oldest = time.monotonic()
        self._groups.append(samples)
        self._added += 1
        self._count(len(samples.numbers))
        first, last = int(samples.timestamps_ms.min()), int(samples.timestamps_ms.max())
        known = self._extent or TimeRange(first, last)
        self._extent = TimeRange(min(first, known.start_ms), max(last, known.end_ms))
        self._changed.notify_all()

    def _count(self, rows: int) -> None:
        self._rows += rows
        own_metrics.JOURNAL_ROWS.set(self._rows)

    def _run(self) -> None:
        while groups := self._next_block():
            error = self._try_insert(groups)
            with self._changed:
                if error is None:
                    self._settled(groups)
                else:
                    self._failed(groups, error)

    def _next_block(self) -> list[BufferedSamples]:
        """Wait until there is a block to insert; empty when closed and nothing is left or can be done."""
        with self._changed:
            self._changed.wait_for(lambda: self._groups or self._closed)
            if not (self._closed and self._error):
                wait = self._oldest + self._seconds - time.monotonic()
                self._changed.wait_for(self._is_due, timeout=max(0.0, wait))
            if self._closed and self._error:
                return []
            self._hurry = False
            groups, self._groups = self._groups, []
            self._segments += self._journal.cut()
            return groups

    def _is_due(self) -> bool:
        return self._hurry or self._closed or self._rows >= self._block_rows

    def _try_insert(self, groups: list[BufferedSamples]) -> TelemetryError | None:
        started = time.perf_counter()
        try:
            self._insert(groups)
        except TelemetryError as error:
            return error
        except Exception as error:  # outer edge of the thread: one bad block must not end all writing
            logger.exception("inserting samples failed")
            return StoreUnavailable(f"samples could not be inserted: {type(error).__name__}")
        finally:
            own_metrics.BLOCK_SECONDS.observe(time.perf_counter() - started)
        return None

    def _settled(self, groups: list[BufferedSamples]) -> None:
        for segment in self._segments:
            segment.discard()
        self._segments = []
        self._error = None
        self._inserted += len(groups)
        self._count(-sum(len(group.numbers) for group in groups))
        if not self._groups:
            self._extent = None
        self._changed.notify_all()

    def _failed(self, groups: list[BufferedSamples], error: TelemetryError) -> None:
        logger.error("the engine took no samples, they stay in the journal: %s", error)
        self._groups = groups + self._groups
        self._error = error
        self._failures += 1
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._closed, timeout=_RETRY_SECONDS)


def _overlap(first: TimeRange, second: TimeRange) -> bool:
    return first.start_ms <= second.end_ms and second.start_ms <= first.end_ms
