"""Log records as they are committed, for whoever watches: a bounded mailbox a watcher, filled by the committing thread.

The committing thread only hands over references; what a watcher wants is found in the watcher's own thread, so that
no watcher can slow writing down. A watcher that is too slow loses the oldest records and is told how many.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.labels import Labels
from telemetry.model.logs import LogRecord

_COLUMNS = ("severity_number", "severity_text", "body", "trace_id", "span_id", "attributes")


@dataclass(frozen=True, slots=True)
class CommittedLogs:
    """Records of one request that are in the store now. N >= 1."""

    streams: Sequence[Labels]
    stream_index: NDArray[np.int64]
    """int64[N]: position in `streams`."""
    services: Sequence[str]
    """N service names."""
    columns: pa.Table
    """N rows with timestamps, severities, body, trace and span id and attributes, named as in log_records."""

    def __len__(self) -> int:
        return len(self.stream_index)

    def select(self, wanted: Callable[[Labels, str], bool]) -> Iterator[LogRecord]:
        """Records whose stream labels and service are `wanted`, in the order of arrival."""
        answers: dict[tuple[int, str], bool] = {}
        rows: list[int] = []
        for row, pair in enumerate(zip(self.stream_index.tolist(), self.services, strict=True)):
            answer = answers.get(pair)
            if answer is None:
                answer = answers[pair] = wanted(self.streams[pair[0]], pair[1])
            if answer:
                rows.append(row)
        return self._records(rows)

    def _records(self, rows: list[int]) -> Iterator[LogRecord]:
        if not rows:
            return
        taken = self.columns.take(pa.array(rows))
        times, observed = (taken[name].cast(pa.int64()).to_pylist() for name in ("timestamp", "observed_timestamp"))
        rest = zip(*(taken[name].to_pylist() for name in _COLUMNS), strict=True)
        for row, time_ns, observed_ns, values in zip(rows, times, observed, rest, strict=True):
            severity, severity_text, body, trace_id, span_id, attributes = values
            yield LogRecord(
                timestamp_ns=time_ns,
                observed_timestamp_ns=observed_ns,
                service=self.services[row],
                stream=self.streams[int(self.stream_index[row])],
                severity_number=severity,
                severity_text=severity_text,
                body=body,
                trace_id=trace_id,
                span_id=span_id,
                attributes=attributes_of(attributes),
            )


def attributes_of(text: str) -> dict[str, Any]:
    """The stored JSON object; anything else is kept readable under the name ''."""
    if not text:
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"": text}
    return found if isinstance(found, dict) else {"": found}


class Subscription:
    """Mailbox of one watcher. `close` it, or leave it by `with`."""

    def __init__(self, feed: "LiveFeed", capacity: int, wake: Callable[[], None] | None) -> None:
        self._feed = feed
        self._capacity = capacity
        self._wake = wake
        self._changed = threading.Condition()
        self._waiting: deque[CommittedLogs] = deque()
        self._rows = 0
        self._dropped = 0

    def put(self, logs: CommittedLogs) -> None:
        """Called by the committing thread; never waits. The oldest make room for the newest."""
        with self._changed:
            self._waiting.append(logs)
            self._rows += len(logs)
            while self._rows > self._capacity and len(self._waiting) > 1:
                oldest = self._waiting.popleft()
                self._rows -= len(oldest)
                self._dropped += len(oldest)
            self._changed.notify_all()
        if self._wake is not None:
            self._wake()

    def take(self, timeout_seconds: float = 0.0) -> tuple[list[CommittedLogs], int]:
        """(what came since the last call, how many records had to be dropped), waiting for it at most so long."""
        with self._changed:
            if not self._waiting and timeout_seconds > 0:
                self._changed.wait(timeout_seconds)
            taken, dropped = list(self._waiting), self._dropped
            self._waiting.clear()
            self._rows = self._dropped = 0
        return taken, dropped

    def close(self) -> None:
        self._feed.leave(self)

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class LiveFeed:
    """Where watchers subscribe. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()

    @property
    def is_watched(self) -> bool:
        """Whether somebody would get what is published; without watchers nothing has to be prepared."""
        return bool(self._subscriptions)

    def subscribe(self, *, capacity: int = 100_000, wake: Callable[[], None] | None = None) -> Subscription:
        """Mailbox that holds at most `capacity` records (one request may pass it). `wake` is called after each put."""
        subscription = Subscription(self, capacity, wake)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Nothing more is put into `subscription`."""
        with self._lock:
            self._subscriptions = tuple(one for one in self._subscriptions if one is not subscription)

    def publish(self, logs: CommittedLogs) -> None:
        """Give `logs` to every watcher."""
        for subscription in self._subscriptions:
            subscription.put(logs)
