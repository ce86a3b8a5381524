"""Writes own log events to the own store, in the background. They also stand on stderr, whole."""

import logging
import threading
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final

from prometheus_client import Counter

from collectors.pull.own_packages import OWN_SERVICE
from dashboard.self_watch.own_events import DROPPED, EventQueue, batch_of
from telemetry.model.errors import TelemetryError
from telemetry.store import current

FLUSH_SECONDS: Final = 1.0
WRITE_SECONDS: Final = 10.0

STORED: Final = Counter("belvedere_own_events_stored", "Own log events stored.")


class LogShippingPart:
    """A handler at the root of all loggers and a thread that empties it every second."""

    name = "log shipping"

    def __init__(self) -> None:
        self._queue = EventQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._ship, name=self.name, daemon=True)
        self._thread.start()
        logging.getLogger().addHandler(self._queue)

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout_seconds: float) -> bool:
        logging.getLogger().removeHandler(self._queue)
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)
        return not self.alive()

    def _ship(self) -> None:
        while not self._stopping.wait(FLUSH_SECONDS):
            self.flush()
        self.flush()

    def flush(self) -> int:
        """Write what waits; the number of events stored. What the store refuses is dropped and counted."""
        events = self._queue.take()
        if not events:
            return 0
        try:
            receipt = current().write_logs(batch_of(events, OWN_SERVICE), service=OWN_SERVICE).result(WRITE_SECONDS)
        except (TelemetryError, FutureTimeoutError):
            DROPPED.labels("store").inc(len(events))
            return 0
        STORED.inc(receipt.accepted)
        DROPPED.labels("refused").inc(receipt.refused)
        return receipt.accepted
