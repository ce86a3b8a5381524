"""Log pushes that were acknowledged lately, so that the same request sent again is not stored again.

A sender that did not hear the answer sends the same bytes once more. They are the same records if each brought its own
time, and some a finer one than whole seconds; only such requests are remembered. Each process remembers its own.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import numpy as np

from collectors.receivers.message import Received, Reply
from telemetry.model.logs import LogBatch

_ENTRY_BYTES: Final = 300
"""Memory of an entry beside the body of its answer."""
_NS: Final = 1_000_000_000


class Repeats:
    """Answers by digest of the request, for `window_seconds` in at most `max_bytes`. Safe to use from any thread."""

    def __init__(self, window_seconds: float, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._window_seconds = window_seconds
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._replies: OrderedDict[bytes, tuple[float, Reply]] = OrderedDict()
        self._bytes = 0

    @property
    def is_on(self) -> bool:
        return self._window_seconds > 0

    def reply_to(self, digest: bytes) -> Reply | None:
        """What the same request was answered within the window."""
        with self._lock:
            self._forget()
            found = self._replies.get(digest)
        return found[1] if found else None

    def remember(self, digest: bytes, reply: Reply) -> None:
        """`reply` says that everything of a request is stored."""
        with self._lock:
            if digest not in self._replies:
                self._replies[digest] = self._clock() + self._window_seconds, reply
                self._bytes += _size(reply)
            self._forget()

    def _forget(self) -> None:
        now = self._clock()
        while self._replies:
            until, reply = next(iter(self._replies.values()))
            if until > now and self._bytes <= self._max_bytes:
                return
            self._replies.popitem(last=False)
            self._bytes -= _size(reply)


def digest_of(request: Received) -> bytes:
    """Digest of who sends what where: token, path, query, types and body."""
    head = (request.principal.token_id, request.service, request.path, request.method, sorted(request.query.items()))
    digest = hashlib.sha256(repr((*head, request.content_type, request.content_encoding)).encode())
    digest.update(request.body)
    return digest.digest()


def is_recognisable(batch: LogBatch, received_ns: int) -> bool:
    """Whether the same body again can only be the same records: each has a time, and not all are whole seconds."""
    times = batch.timestamps_ns
    return bool(len(times) and np.all(times != received_ns) and np.any(times % _NS))


def _size(reply: Reply) -> int:
    return _ENTRY_BYTES + len(reply.body)
