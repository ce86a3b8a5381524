"""Who asks what: a log of queries, and when each metric name and log stream was read last.

Notes are kept in memory and written together every few seconds, so a query pays for an append to a list.
What is not written when a process is killed is lost: this is a log of reads, nobody was promised it.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from telemetry.model.errors import TelemetryError
from telemetry.store.engine import Engine, Settings

FLUSH_SECONDS: Final = 5.0
MOST_WAITING: Final = 5_000
"""Notes that wait to be written; further ones are counted as reads but not listed."""
MOST_CHARACTERS: Final = 4_096
"""Length of a kept expression."""

ReadKind = Literal["metric", "stream"]
_KIND_OF: Final[dict[str, ReadKind]] = {"promql": "metric", "logql": "stream"}

_RECENT: Final = """
SELECT toUnixTimestamp64Milli(at), actor, source, language, expression, status, series, samples, seconds, reads
FROM query_log ORDER BY at DESC LIMIT {limit:UInt64}
"""
_READS: Final = """
SELECT name, toUnixTimestamp64Milli(max(last_read)), sum(times), groupUniqArray(source)
FROM reads WHERE kind = {kind:String} GROUP BY name
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QueryNote:
    """One query that was answered or refused."""

    at_ms: int
    actor: str
    """As the audit trail names it: `user:NAME`, `token:NAME`; `rule:GROUP` for rules."""
    source: str
    """What asked: `api`, `page` or `rule`."""
    language: str
    """`promql` or `logql`."""
    expression: str
    status: str
    """`success`, or the word for the error."""
    series: int
    samples: int
    """Samples or log records read."""
    seconds: float
    reads: Sequence[str]
    """Metric names of PromQL, log streams (as selectors) of LogQL that the query reads."""
    listed: bool = True
    """False for what only counts as reading, such as the regular evaluation of rules."""


@dataclass(frozen=True, slots=True)
class Reads:
    """How a metric or stream is read."""

    last_ms: int
    times: int
    sources: tuple[str, ...]


class QueryLog:
    """Collects notes from any thread and writes them from one of its own."""

    def __init__(self, engine: Engine, insert_settings: Settings, read_settings: Settings) -> None:
        self._engine = engine
        self._insert_settings = insert_settings
        self._read_settings = read_settings
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._notes: list[QueryNote] = []
        self._read: dict[tuple[ReadKind, str, str], int] = {}
        self._times: Counter[tuple[ReadKind, str, str]] = Counter()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-query-log", daemon=True)
        self._thread.start()

    def note(self, note: QueryNote) -> None:
        """Remember one query. Costs no more than a few appends."""
        kind = _KIND_OF[note.language]
        with self._lock:
            if note.listed and len(self._notes) < MOST_WAITING:
                self._notes.append(note)
            for name in note.reads:
                key = kind, name, note.source
                self._read[key] = max(note.at_ms, self._read.get(key, 0))
                self._times[key] += 1

    def recent(self, limit: int) -> list[QueryNote]:
        """The newest listed queries, newest first."""
        self.flush()
        return [QueryNote(*row) for row in self._engine.rows(_RECENT, {"limit": limit}, self._read_settings)]

    def reads(self, kind: ReadKind) -> dict[str, Reads]:
        """Every name of `kind` that was ever read -> when, how often and by what."""
        self.flush()
        rows = self._engine.rows(_READS, {"kind": kind}, self._read_settings)
        return {name: Reads(int(last), int(times), tuple(sorted(by))) for name, last, times, by in rows}

    def flush(self) -> None:
        """Write what waits. Raises StoreUnavailable; the notes of this round are lost then."""
        with self._writing:
            with self._lock:
                notes, self._notes = self._notes, []
                read, self._read = self._read, {}
                times, self._times = self._times, Counter()
            if notes:
                self._engine.insert("query_log", _note_columns(notes), self._insert_settings)
            if read:
                self._engine.insert("reads", _read_columns(read, times), self._insert_settings)

    def clear(self) -> None:
        """Forget what waits. For tests."""
        with self._lock:
            self._notes, self._read, self._times = [], {}, Counter()

    def close(self) -> None:
        """Write what waits, end the thread."""
        self._closed.set()
        self._thread.join()
        self._try_flush()

    def _run(self) -> None:
        while not self._closed.wait(FLUSH_SECONDS):
            self._try_flush()

    def _try_flush(self) -> None:
        try:
            self.flush()
        except TelemetryError as error:
            logger.warning("query log not written: %s", error)


def now_ms() -> int:
    """The time of a note that is made now."""
    return int(time.time() * 1000)


def _note_columns(notes: Sequence[QueryNote]) -> pa.Table:
    def texts(values: Iterable[str]) -> pa.Array:
        return pa.array([value.encode(errors="replace").decode() for value in values], pa.string())

    return pa.table(
        {
            "at": pa.array([note.at_ms for note in notes], pa.timestamp("ms", "UTC")),
            "actor": texts(note.actor for note in notes),
            "source": texts(note.source for note in notes),
            "language": texts(note.language for note in notes),
            "expression": texts(note.expression[:MOST_CHARACTERS] for note in notes),
            "status": texts(note.status for note in notes),
            "series": pa.array([note.series for note in notes], pa.uint64()),
            "samples": pa.array([note.samples for note in notes], pa.uint64()),
            "seconds": pa.array([note.seconds for note in notes], pa.float64()),
            "reads": pa.array([list(note.reads) for note in notes], pa.list_(pa.string())),
        }
    )


def _read_columns(read: dict[tuple[ReadKind, str, str], int], times: "Counter[tuple[ReadKind, str, str]]") -> pa.Table:
    return pa.table(
        {
            "kind": pa.array([kind for kind, _, _ in read], pa.string()),
            "name": pa.array([name for _, name, _ in read], pa.string()),
            "source": pa.array([source for _, _, source in read], pa.string()),
            "last_read": pa.array(list(read.values()), pa.timestamp("ms", "UTC")),
            "times": pa.array([times[key] for key in read], pa.uint64()),
        }
    )
