"""Celery's beat without its calendar: it only ticks, by the monotonic clock."""

import threading
import time
from typing import Any, Final

from celery.beat import Scheduler, Service

from dashboard.celery import app

_LONGEST_SLEEP_SECONDS: Final = 1.0


class TickScheduler(Scheduler):  # type: ignore[misc]
    """Sends each entry every `run_every` seconds.

    Steps of the wall clock neither stop nor hasten it, and what was missed is not sent afterwards: the
    tasks look for themselves what is due.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._next: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; seconds until the next call."""
        now = time.monotonic()
        for name, entry in self.schedule.items():
            if now >= self._next.get(name, now):
                self._next[name] = now + entry.schedule.run_every.total_seconds()
                self.apply_entry(entry, producer=self.producer)
        return max(0.0, min(_LONGEST_SLEEP_SECONDS, min(self._next.values()) - now))


class BeatPart:
    """The beat in a thread of this process."""

    name = "beat"

    def __init__(self) -> None:
        self._service: Service | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._service = Service(app, scheduler_cls=TickScheduler)
        self._thread = threading.Thread(
            target=self._service.start, kwargs={"embedded_process": False}, name="beat", daemon=True
        )
        self._thread.start()

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout_seconds: float) -> bool:
        if self._service is None or self._thread is None:
            return True
        self._service.stop(wait=False)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()
