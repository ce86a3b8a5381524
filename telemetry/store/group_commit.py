"""Group commit: requests that arrive within a short window share one insert and are answered after it.

One thread per table kind takes what waits, commits it, and only then resolves the futures. The queue is
bounded in rows; what does not fit is refused at once, so memory stays bounded and nothing is dropped in silence.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from telemetry.model.errors import StoreBusy, StoreUnavailable, TelemetryError
from telemetry.model.samples import WriteReceipt
from telemetry.store import own_metrics
from telemetry.store.settings import ENV_NAMES, StoreSettings

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waiting(Generic[T]):
    """One request in the queue: its rows, its decoded form, its answer and whom to tell."""

    rows: int
    content: T | None
    receipt: WriteReceipt
    future: "Future[WriteReceipt]" = field(default_factory=Future)


class GroupCommit(Generic[T]):
    """Queue and committing thread of one table kind; `commit` gets the contents of a group in order of arrival.

    `commit` raises TelemetryError if nothing of the group may be acknowledged; the next group is tried anew.
    """

    def __init__(self, kind: str, commit: Callable[[list[T]], None], settings: StoreSettings) -> None:
        self._kind = kind
        self._commit = commit
        self._window_seconds = settings.group_commit_ms / 1000
        self._batch_rows = settings.batch_rows
        self._queue_rows = settings.queue_rows
        self._waiting: deque[Waiting[T]] = deque()
        self._rows = 0
        """Rows that wait or are being committed."""
        self._hurry = False
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"store-{kind}", daemon=True)
        self._thread.start()

    def admit(self, rows: int) -> None:
        """Raise StoreBusy if `rows` more would not fit, StoreUnavailable after close()."""
        if self._closed:
            raise StoreUnavailable("the telemetry store is closed")
        if self._rows and self._rows + rows > self._queue_rows:
            own_metrics.BUSY.labels(self._kind).inc()
            raise StoreBusy(
                f"{self._rows} rows wait to be written and {rows} more would pass "
                f"the limit of {self._queue_rows} ({ENV_NAMES['queue_rows']})"
            )

    def submit(self, rows: int, content: T, receipt: WriteReceipt) -> "Future[WriteReceipt]":
        """Queue one request; its future is resolved after the commit. Raises as `admit` does."""
        with self._changed:
            self.admit(rows)
            return self._append(Waiting(rows, content, receipt))

    def flush(self) -> None:
        """Return when everything that was submitted before is committed or refused."""
        with self._changed:
            if self._closed:
                return
            self._hurry = True
            marker = self._append(Waiting(0, None, WriteReceipt(0)))
        marker.result()

    def close(self) -> None:
        """Commit what waits, then end the thread. Further calls are refused."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _append(self, waiting: Waiting[T]) -> "Future[WriteReceipt]":
        waiting.future.set_running_or_notify_cancel()  # accepted rows cannot be called back
        self._waiting.append(waiting)
        self._count(waiting.rows)
        self._changed.notify_all()
        return waiting.future

    def _count(self, rows: int) -> None:
        self._rows += rows
        own_metrics.QUEUE_ROWS.labels(self._kind).set(self._rows)

    def _run(self) -> None:
        while group := self._next_group():
            self._commit_group(group)
            with self._changed:
                self._count(-sum(waiting.rows for waiting in group))

    def _next_group(self) -> list[Waiting[T]]:
        """Wait for a first request, then for others until the window or the batch is full; empty when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            deadline = time.monotonic() + self._window_seconds
            self._changed.wait_for(self._is_full, timeout=max(0.0, deadline - time.monotonic()))
            self._hurry = False
            return self._take()

    def _is_full(self) -> bool:
        return self._hurry or self._closed or sum(waiting.rows for waiting in self._waiting) >= self._batch_rows

    def _take(self) -> list[Waiting[T]]:
        group: list[Waiting[T]] = []
        rows = 0
        while self._waiting and (not group or rows + self._waiting[0].rows <= self._batch_rows):
            group.append(self._waiting.popleft())
            rows += group[-1].rows
        return group

    def _commit_group(self, group: list[Waiting[T]]) -> None:
        started = time.perf_counter()
        contents = [waiting.content for waiting in group if waiting.content is not None]
        error = self._try_commit(contents) if contents else None
        for waiting in group:
            if error is None:
                waiting.future.set_result(waiting.receipt)
            else:
                waiting.future.set_exception(error)
        if contents:
            own_metrics.INSERT_SECONDS.labels(self._kind).observe(time.perf_counter() - started)
            own_metrics.BATCHES.labels(self._kind, "failed" if error else "committed").inc()

    def _try_commit(self, contents: list[T]) -> TelemetryError | None:
        try:
            self._commit(contents)
        except TelemetryError as error:
            return error
        except Exception as error:  # outer edge of the thread: one bad group must not end all writing
            logger.exception("committing %s failed", self._kind)
            unavailable = StoreUnavailable(f"the {self._kind} could not be committed: {type(error).__name__}")
            unavailable.__cause__ = error
            return unavailable
        return None
