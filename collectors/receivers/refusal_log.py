"""Who was refused what, since this process started: for the page of limits, beside the counters on /metrics."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

MOST_KEPT: Final = 500
"""Different (token, protocol, reason); the longest quiet ones go first."""


@dataclass(frozen=True, slots=True)
class Refused:
    """One kind of refusal of one sender."""

    token: str
    """Name of its API token."""
    protocol: str
    reason: str
    """The word of the metric."""
    count: int
    """Requests, samples or records."""
    last_ms: int
    sentence: str
    """What the sender was told last."""


class RefusalLog:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], Refused] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, token: str, protocol: str, reason: str, count: int, sentence: str) -> None:
        """Add a refusal."""
        key = token, protocol, reason
        with self._lock:
            known = self._kept.pop(key, Refused(token, protocol, reason, 0, 0, ""))
            now_ms = int(time.time() * 1000)
            self._kept[key] = replace(known, count=known.count + count, last_ms=now_ms, sentence=sentence[:500])
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def newest(self) -> list[Refused]:
        """The last refused first."""
        with self._lock:
            return list(reversed(self._kept.values()))

    def clear(self) -> None:
        """Forget all. For tests."""
        with self._lock:
            self._kept.clear()


REFUSALS: Final = RefusalLog()
