"""Which metrics have native histogram samples, so that queries of all others never ask for any."""

import threading
import time
from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from telemetry.store.engine import Engine, Settings

_TABLE: Final = "histogram_metrics"
_RELOAD_SECONDS: Final = 15.0
"""How late a process learns of metrics that another process on the same server writes."""


class HistogramMetrics:
    """The names in memory, and their table. Safe to use from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self.reload()

    def reload(self) -> None:
        """Read the table."""
        self._names: frozenset[str] = frozenset(
            name for (name,) in self._engine.rows("SELECT DISTINCT metric FROM histogram_metrics")
        )
        self._loaded_at = time.monotonic()

    def among(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that have histogram samples."""
        if not self._engine.embedded and time.monotonic() - self._loaded_at > _RELOAD_SECONDS:
            self.reload()
        known = self._names
        return [name for name in names if name in known] if known else []

    def note(self, names: Iterable[str], insert_settings: Settings) -> None:
        """Samples of these metrics are about to be written."""
        with self._lock:
            fresh = sorted({*names} - self._names)
            if fresh:
                self._engine.insert(_TABLE, pa.table({"metric": pa.array(fresh, pa.string())}), insert_settings)
                self._names |= frozenset(fresh)

    def clear(self) -> None:
        """The table is empty."""
        self._names = frozenset()
