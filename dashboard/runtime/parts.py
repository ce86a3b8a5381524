"""The parts of a running process and the order in which they start and stop."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

STOP_SECONDS: Final = 10.0
"""Time that all parts together have to stop; then the process ends without the rest."""

_log = structlog.get_logger("belvedere.runtime")


class Part(Protocol):
    """Something that runs beside the requests. `start` after a death of its threads starts it anew."""

    @property
    def name(self) -> str:
        """One word for log events and metrics."""
        ...

    def start(self) -> None:
        """Returns when the part works. Raises if it cannot."""
        ...

    def alive(self) -> bool:
        """False if a thread of the part ended though nobody stopped it."""
        ...

    def stop(self, timeout_seconds: float) -> bool:
        """Ends the part; True if it ended in time."""
        ...


class Parts:
    """Starts parts in order, stops them in the reverse order within one deadline."""

    def __init__(self, parts: Sequence[Part], clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._started: list[Part] = []
        self._clock = clock

    @property
    def started(self) -> tuple[Part, ...]:
        return tuple(self._started)

    def start(self) -> None:
        """Start every part; if one fails, stop those before it and raise its error."""
        try:
            for part in self._parts:
                part.start()
                self._started.append(part)
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_seconds: float = STOP_SECONDS) -> bool:
        """True if every part ended in time. A part that fails to stop does not keep the others from stopping."""
        deadline = self._clock() + timeout_seconds
        clean = True
        while self._started:
            part = self._started.pop()
            clean &= self._stop_one(part, max(0.1, deadline - self._clock()))
        return clean

    def _stop_one(self, part: Part, timeout_seconds: float) -> bool:
        try:
            in_time = part.stop(timeout_seconds)
        except Exception:  # an outer edge: the parts after this one must still get their turn
            _log.exception("part failed to stop", part=part.name)
            return False
        if not in_time:
            _log.warning("part did not stop in time", part=part.name, seconds=timeout_seconds)
        return in_time
