"""The store as a part of the process: opened first, closed last."""

from dashboard.runtime.store import close_store, open_store
from telemetry.store import TelemetryStore


class StorePart:
    """Closing waits for the writer, so that everything accepted is committed."""

    name = "store"

    def __init__(self) -> None:
        self._store: TelemetryStore | None = None

    def start(self) -> None:
        self._store = open_store()

    def alive(self) -> bool:
        return self._store is not None

    def stop(self, timeout_seconds: float) -> bool:
        store, self._store = self._store, None
        if store is not None:
            close_store(store)
        return True
