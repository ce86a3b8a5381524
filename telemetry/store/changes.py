"""What was written when, as far as remembered answers have to know: the oldest timestamp of each commit."""

import threading
from bisect import bisect_right
from typing import Final

EVERYTHING: Final = -(1 << 62)
NOTHING: Final = 1 << 62


class Changes:
    """Commits by turn 1, 2, 3, ... Safe to use from any thread.

    Only commits that are older than all later ones are kept, so a store that is written in order of time keeps few.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = 0
        self._turns: list[int] = []
        self._oldest_ms: list[int] = []
        """Ascending with the turns: the least timestamp of that commit and all after it."""

    @property
    def turn(self) -> int:
        """Number of commits so far; read it before reading samples."""
        return self._turn

    def note(self, oldest_ms: int) -> None:
        """Samples of this time and later were committed; EVERYTHING says that anything may have changed."""
        with self._lock:
            while self._oldest_ms and self._oldest_ms[-1] >= oldest_ms:
                self._oldest_ms.pop()
                self._turns.pop()
            self._oldest_ms.append(oldest_ms)
            self._turns.append(self._turn + 1)
            self._turn += 1

    def unchanged_before_ms(self, turn: int) -> int:
        """Samples before this time are as they were at `turn`; NOTHING if no sample changed since."""
        with self._lock:
            at = bisect_right(self._turns, turn)
            return self._oldest_ms[at] if at < len(self._turns) else NOTHING
