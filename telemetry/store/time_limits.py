"""Which timestamps are taken: nothing older than the retention, nothing too far ahead of the server's clock."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.store.limits import Refused, instant, over_limit
from telemetry.store.settings import StoreSettings

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """oldest_ms <= t <= newest_ms is taken now."""

    oldest_ms: int
    newest_ms: int
    retention_field: str
    settings: StoreSettings

    def accepts(self, timestamps_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool[N]"""
        return (timestamps_ms >= self.oldest_ms) & (timestamps_ms <= self.newest_ms)

    def refusals(
        self, timestamps_ms: NDArray[np.int64], describe: Callable[[int], str]
    ) -> Iterator[tuple[Refused, int]]:
        """(reason, rows) for each end of the window; `describe(position)` names the first row beyond it."""
        future = np.flatnonzero(timestamps_ms > self.newest_ms)
        if len(future):
            what = f"timestamp {instant(int(timestamps_ms[future[0]]))} of {describe(int(future[0]))} is in the future"
            seconds = over_limit("future_timestamp", f"{what} (seconds ahead)", "future_seconds", self.settings)
            yield seconds, len(future)
        old = np.flatnonzero(timestamps_ms < self.oldest_ms)
        if len(old):
            what = f"timestamp {instant(int(timestamps_ms[old[0]]))} of {describe(int(old[0]))} is older than is kept"
            yield over_limit("old_timestamp", f"{what} (days)", self.retention_field, self.settings), len(old)


def time_window(retention_field: str, settings: StoreSettings, *, now_ms: int | None = None) -> TimeWindow:
    """The window at this moment; `retention_field` is `sample_retention_days` or `log_retention_days`."""
    now = int(time.time() * 1000) if now_ms is None else now_ms
    oldest = now - getattr(settings, retention_field) * _DAY_MS
    return TimeWindow(max(0, oldest), now + settings.future_seconds * 1000, retention_field, settings)
