"""A switch that says: nobody waits for the answer any more."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from telemetry.model.errors import QueryCancelled

CLIENT_GONE: Final = "the query was cancelled: its client closed the connection"


class Cancellation:
    """Thrown once, from any thread; what is told of it must return at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._told: dict[int, Callable[[], None]] = {}

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Throw the switch; a second time changes nothing."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled = True
            told = list(self._told.values())
        for tell in told:
            tell()

    def check(self) -> None:
        """Raises QueryCancelled once the switch is thrown."""
        if self._cancelled:
            raise QueryCancelled(CLIENT_GONE)

    @contextmanager
    def telling(self, tell: Callable[[], None]) -> Iterator[None]:
        """Call `tell` if the switch is thrown inside the block. Raises QueryCancelled if it was before."""
        self.check()
        with self._lock:
            self._told[id(tell)] = tell
        try:
            yield
        finally:
            with self._lock:
                self._told.pop(id(tell), None)
