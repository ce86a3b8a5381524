"""Acknowledged log records on their way to the engine: in a journal and in memory, inserted in large blocks.

A record is safe once it is in the journal. The engine gets it when a block is full, when it has waited long enough, or
when somebody reads the table (`Engine.before_reading`), so that a reader always sees what was acknowledged. A block is
inserted under the name of its journal file, which the engine remembers: what a killed process had inserted already is
not stored twice when its journal is replayed.
"""

import logging
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa

from telemetry.model.errors import StoreBusy, StoreUnavailable, TelemetryError
from telemetry.store import own_metrics
from telemetry.store.engine import Engine
from telemetry.store.journal import Journal, Segment, left_bodies
from telemetry.store.sample_table import INSERT_SETTINGS
from telemetry.store.settings import ENV_NAMES, StoreSettings

logger = logging.getLogger(__name__)

TABLE: Final = "log_records"
_RETRY_SECONDS: Final = 1.0
_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="lz4")


class LogSink(Protocol):
    """Where the committing thread puts records."""

    def add(self, records: pa.Table) -> None:
        """Returns when nothing can take the records away any more. Raises StoreBusy or StoreUnavailable."""
        ...

    def settle(self) -> None:
        """Returns when everything added before can be read."""
        ...

    def close(self) -> None: ...


class DirectLogInserts:
    """Every group is an insert of its own: for an engine that other processes read and write as well."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, records: pa.Table) -> None:
        _insert(self._engine, [records], uuid.uuid4().hex)

    def settle(self) -> None:
        """What was added is in the engine."""

    def close(self) -> None:
        """Nothing waits."""


class LogBuffer:
    """One thread adds, one inserts, any number settle."""

    def __init__(self, engine: Engine, journal: Journal, settings: StoreSettings) -> None:
        self._engine = engine
        self._journal = journal
        self._block_rows = min(settings.log_block_rows, settings.batch_rows)
        self._most_rows = settings.queue_rows
        self._seconds = settings.log_insert_seconds
        self._waiting: list[tuple[Segment, pa.Table]] = []
        self._rows = 0
        self._oldest = 0.0
        self._added = self._inserted = self._failures = 0
        self._hurry = self._closed = False
        self._error: TelemetryError | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="store-log-inserts", daemon=True)
        self._thread.start()

    def add(self, records: pa.Table) -> None:
        """Take a group; it is on the disk when this returns. Waits while two blocks are on their way.

        While the engine takes nothing, records pile up in the journal until `queue_rows`. Raises StoreBusy then.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._rows < 2 * self._block_rows or self._error)
            if self._rows and self._rows + records.num_rows > self._most_rows:
                raise StoreBusy(
                    f"{self._rows} log records wait for the engine, which takes none ({self._error}); "
                    f"{records.num_rows} more would pass the limit of {self._most_rows} ({ENV_NAMES['queue_rows']})"
                )
            segment = self._journal.append_body(packed(records))
            if not self._waiting:
                self._oldest = time.monotonic()
            self._waiting.append((segment, records))
            self._added += 1
            self._count(records.num_rows)
            self._changed.notify_all()

    def settle(self) -> None:
        """Return once everything added before is in the engine. Raises what the engine raised."""
        with self._changed:
            target, failures = self._added, self._failures
            if self._inserted >= target:
                return
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
        for segment in {segment.path: segment for segment, _ in self._waiting}.values():
            segment.release()

    def _count(self, rows: int) -> None:
        self._rows += rows
        own_metrics.LOG_JOURNAL_ROWS.set(self._rows)

    def _run(self) -> None:
        while waiting := self._next_block():
            error = self._try_insert(waiting)
            with self._changed:
                if error is None:
                    self._settled(waiting)
                else:
                    self._failed(waiting, error)

    def _next_block(self) -> list[tuple[Segment, pa.Table]]:
        """Wait until there is a block to insert; empty when closed and nothing is left or can be done."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not (self._closed and self._error):
                wait = self._oldest + self._seconds - time.monotonic()
                self._changed.wait_for(self._is_due, timeout=max(0.0, wait))
            if self._closed and self._error:
                return []
            self._hurry = False
            waiting, self._waiting = self._waiting, []
            self._journal.cut()
            return waiting

    def _is_due(self) -> bool:
        return self._hurry or self._closed or self._error is not None or self._rows >= self._block_rows

    def _try_insert(self, waiting: list[tuple[Segment, pa.Table]]) -> TelemetryError | None:
        """One insert a journal file, which holds the same records whenever it is tried."""
        blocks: dict[Segment, list[pa.Table]] = {}
        for segment, records in waiting:
            blocks.setdefault(segment, []).append(records)
        try:
            for segment, tables in blocks.items():
                _insert(self._engine, tables, segment.path.stem)
        except TelemetryError as error:
            return error
        except Exception as error:  # outer edge of the thread: one bad block must not end all writing
            logger.exception("inserting log records failed")
            return StoreUnavailable(f"log records could not be inserted: {type(error).__name__}")
        return None

    def _settled(self, waiting: list[tuple[Segment, pa.Table]]) -> None:
        for segment in {segment.path: segment for segment, _ in waiting}.values():
            segment.discard()
        self._error = None
        self._inserted += len(waiting)
        self._count(-sum(records.num_rows for _, records in waiting))
        self._changed.notify_all()

    def _failed(self, waiting: list[tuple[Segment, pa.Table]], error: TelemetryError) -> None:
        logger.error("the engine took no log records, they stay in the journal: %s", error)
        self._waiting = waiting + self._waiting
        self._error = error
        self._failures += 1
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._closed, timeout=_RETRY_SECONDS)


def replay_logs(engine: Engine, directory: Path) -> int:
    """Insert what killed processes left in their journals; the number of records. Raises StoreUnavailable."""
    replayed = 0
    for segment, bodies in left_bodies(directory):
        tables = [unpacked(body) for body in bodies]
        if tables:
            _insert(engine, tables, segment.path.stem)
        replayed += sum(table.num_rows for table in tables)
        segment.discard()
    if replayed:
        logger.warning("%d acknowledged log records were found in the journal of a killed process", replayed)
    return replayed


def packed(records: pa.Table) -> bytes:
    """Arrow's own stream format, LZ4 inside."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, records.schema, options=_OPTIONS) as writer:
        writer.write_table(records)
    return bytes(sink.getvalue())


def unpacked(body: bytes) -> pa.Table:
    """Inverse of `packed`."""
    with pa.ipc.open_stream(body) as reader:
        return reader.read_all()


def _insert(engine: Engine, tables: Sequence[pa.Table], token: str) -> None:
    """One insert; a second one with the same token changes nothing."""
    records = pa.concat_tables(tables).combine_chunks()
    engine.insert(TABLE, records, {**INSERT_SETTINGS, "insert_deduplication_token": token})
