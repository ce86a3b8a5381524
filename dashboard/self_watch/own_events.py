"""Own log events on their way to the own store: limited in rate and number, what is dropped is counted."""

import collections
import json
import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from prometheus_client import Counter

from dashboard.logging_setup import json_formatter
from telemetry.model.labels import labels_from
from telemetry.model.logs import LogBatch, severity_number_of

EXCLUDED: Final = ("telemetry", "belvedere.store", "clickhouse_connect", "chdb", "urllib3")
"""Loggers of the write path with everything below them: storing their events would make more of them."""

MAX_WAITING: Final = 5_000
MAX_PER_SECOND: Final = 200

DROPPED: Final = Counter("belvedere_own_events_dropped", "Own log events that were not stored.", ["reason"])

Event = tuple[int, str]
"""Time in ns, JSON object as structlog writes it."""


class EventQueue(logging.Handler):
    """A handler that keeps events until somebody takes them; never blocks for the store."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.setFormatter(json_formatter())
        self._clock = clock
        self._waiting: collections.deque[Event] = collections.deque()
        self._allowance, self._allowance_at = float(MAX_PER_SECOND), clock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the event, or drop and count it."""
        if record.name.startswith(EXCLUDED):
            return
        if not self._allowed():
            DROPPED.labels("rate").inc()
        elif len(self._waiting) >= MAX_WAITING:
            DROPPED.labels("queue").inc()
        else:
            self._waiting.append((int(record.created * 1e9), self.format(record)))

    def _allowed(self) -> bool:
        """A bucket that holds one second's allowance; `handle` holds the handler's lock around this."""
        now = self._clock()
        self._allowance = min(MAX_PER_SECOND, self._allowance + (now - self._allowance_at) * MAX_PER_SECOND)
        self._allowance_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def take(self) -> list[Event]:
        """Everything that waits, oldest first."""
        return [self._waiting.popleft() for _ in range(len(self._waiting))]


def batch_of(events: Sequence[Event], service: str) -> LogBatch:
    """Log records of `events`: the event's text is the body, the level its severity, the rest its attributes."""
    documents: list[dict[str, Any]] = [json.loads(text) for _, text in events]
    levels = [str(document.pop("level", "info")) for document in documents]
    bodies = [str(document.pop("event", "")) for document in documents]
    for document in documents:
        document.pop("timestamp", None)  # stands in its own column
    times = np.array([timestamp for timestamp, _ in events], dtype=np.int64)
    return LogBatch(
        source="own",
        streams=[labels_from({"service_name": service, "host": socket.gethostname()})],
        stream_index=np.zeros(len(events), dtype=np.int64),
        timestamps_ns=times,
        observed_timestamps_ns=times,
        severity_numbers=np.array([severity_number_of(level) for level in levels], dtype=np.uint8),
        severity_texts=levels,
        bodies=bodies,
        trace_ids=[""] * len(events),
        span_ids=[""] * len(events),
        attributes=[json.dumps(document) if document else "" for document in documents],
    )
