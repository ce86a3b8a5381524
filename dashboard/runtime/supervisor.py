"""Starts dead parts again, ever more slowly if they keep dying."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from prometheus_client import Counter

from dashboard.runtime.parts import Part

LOOK_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 60.0

RESTARTS: Final = Counter("belvedere_part_restarts", "Times that a dead part was started again.", ["part"])

_log = structlog.get_logger("belvedere.runtime")


class Supervisor:
    """A part that watches parts."""

    name = "supervisor"

    def __init__(self, parts: Sequence[Part], clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._pause_seconds = dict.fromkeys((part.name for part in parts), LOOK_SECONDS)
        self._not_before = dict.fromkeys((part.name for part in parts), 0.0)

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._watch, name=self.name, daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout_seconds: float) -> bool:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)
        return not self.alive()

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Start each dead part again whose pause is over."""
        for part in self._parts:
            rested_seconds = self._clock() - self._not_before[part.name]
            if not part.alive() and rested_seconds >= 0:
                self._restart(part)
            elif rested_seconds > LONGEST_PAUSE_SECONDS:
                self._pause_seconds[part.name] = LOOK_SECONDS

    def _restart(self, part: Part) -> None:
        pause = self._pause_seconds[part.name]
        self._not_before[part.name] = self._clock() + pause
        self._pause_seconds[part.name] = min(2 * pause, LONGEST_PAUSE_SECONDS)
        RESTARTS.labels(part.name).inc()
        _log.error("part died, starting it again", part=part.name)
        try:
            part.start()
        except Exception:  # an outer edge: the next look tries again
            _log.exception("part did not start", part=part.name)
