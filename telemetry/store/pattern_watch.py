"""Groups what the log writer commits into patterns and errors, beside the write path, and stores the counts.

A thread of its own takes committed records from the live feed, so no sender waits for it. Counts are written every
few seconds; what was not written when a process is killed is not counted (the records themselves are there).
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import pyarrow as pa

from telemetry.model.errors import TelemetryError
from telemetry.patterns.masking import WILDCARD
from telemetry.patterns.tally import Tally
from telemetry.store import own_metrics
from telemetry.store.engine import Engine, Settings
from telemetry.store.live_feed import CommittedLogs, LiveFeed, Subscription
from telemetry.store.pattern_columns import error_columns, error_count_columns, pattern_columns, pattern_count_columns
from telemetry.store.settings import StoreSettings

LOOK_SECONDS: Final = 0.5
FLUSH_SECONDS: Final = 10.0
MOST_WAITING: Final = 200_000
"""Records that wait to be grouped; beyond it the oldest are left out, and counted as such."""

_KNOWN: Final = f"""
SELECT service, id, any(field), max(template).2 AS text, any(sample)
FROM log_patterns GROUP BY service, id
HAVING text != '{WILDCARD}' ORDER BY max(last_seen) DESC LIMIT {{most:UInt64}} BY service
"""

logger = logging.getLogger(__name__)


class PatternWatch:
    """Collects from the feed of one writer. `flush` may be called from any thread."""

    def __init__(self, engine: Engine, feed: LiveFeed, settings: StoreSettings, insert_settings: Settings) -> None:
        self._engine = engine
        self._insert_settings = insert_settings
        self._most = settings.max_log_patterns
        self._working = threading.Lock()
        self._closed = threading.Event()
        self._tally: Tally | None = None
        self._subscription: Subscription | None = None
        self._thread = threading.Thread(target=self._run, name="store-patterns", daemon=True)
        if self._most:
            self._subscription = feed.subscribe(capacity=MOST_WAITING)
            self._thread.start()

    def flush(self) -> None:
        """Count and store everything that was committed before. Raises StoreUnavailable."""
        with self._working:
            self._count()
            self._write()

    def forget(self, services: Sequence[str] | None = None) -> None:
        """Forget what was learnt of `services`, or everything."""
        with self._working:
            self._count()
            if services is None or self._tally is None:
                self._tally = None
            else:
                self._tally.forget(services)

    def close(self) -> None:
        """Store what is counted, end the thread."""
        if self._subscription is None:
            return
        self._closed.set()
        self._thread.join()
        self._try(self.flush)
        self._subscription.close()

    def _run(self) -> None:
        due = time.monotonic() + FLUSH_SECONDS
        while not self._closed.wait(LOOK_SECONDS):
            with self._working:
                self._try(self._count)
            if time.monotonic() >= due:
                self._try(self.flush)
                due = time.monotonic() + FLUSH_SECONDS

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except TelemetryError as error:
            logger.warning("log patterns not stored: %s", error)
        except Exception:  # outer edge of the thread: one odd record must not end all grouping
            logger.exception("grouping log records failed")

    def _count(self) -> None:
        if self._subscription is None:
            return
        taken, dropped = self._subscription.take()
        if dropped:
            own_metrics.UNGROUPED.inc(dropped)
        if not taken:
            return
        started = time.thread_time()
        records = pa.concat_tables([_records(logs) for logs in taken])
        if self._tally is None:
            self._tally = self._restored()
        self._tally.count(records)
        own_metrics.GROUPED.inc(len(records))
        own_metrics.GROUPING_SECONDS.inc(time.thread_time() - started)

    def _restored(self) -> Tally:
        tally = Tally(self._most)
        for service, identity, field, template, sample in self._engine.rows(_KNOWN, {"most": self._most}):
            tally.book(service).restore(int(identity), field, template, sample)
        return tally

    def _write(self) -> None:
        """Patterns before their counts, so that no count is without its template."""
        tally = self._tally
        if tally is None or not (tally.pattern_counts or tally.error_counts):
            return
        tables = (
            ("log_patterns", pattern_columns(tally)),
            ("log_errors", error_columns(tally)),
            ("log_pattern_counts", pattern_count_columns(tally)),
            ("log_error_counts", error_count_columns(tally)),
        )
        tally.start_again()
        for table, columns in tables:
            if columns.num_rows:
                self._engine.insert(table, columns, self._insert_settings)


def _records(logs: CommittedLogs) -> pa.Table:
    times = logs.columns["timestamp"].cast(pa.timestamp("ms", "UTC"), safe=False).cast(pa.int64())
    return pa.table(
        {
            "service": pa.array(logs.services, pa.string()),
            "timestamp_ms": times,
            "severity_number": logs.columns["severity_number"],
            "body": logs.columns["body"],
            "attributes": logs.columns["attributes"],
        }
    )
