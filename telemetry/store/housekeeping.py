"""Gives memory back to the system after large answers, and columns to JSON fields that are asked for often.

Allocators keep memory otherwise until the process ends.
"""

import ctypes
import logging
import threading
from typing import Final

import pyarrow as pa

from telemetry.model.errors import TelemetryError
from telemetry.store.engine import Engine
from telemetry.store.log_fields import LogFields

logger = logging.getLogger(__name__)

_PERIOD_SECONDS: Final = 30.0
_LARGE_BYTES: Final = 32 * 1024**2


class Housekeeping:
    """One idle thread that tidies up every half minute."""

    def __init__(self, engine: Engine, fields: LogFields) -> None:
        self._engine = engine
        self._fields = fields
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-housekeeping", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(_PERIOD_SECONDS):
            if self._engine.take_bytes_read() > _LARGE_BYTES:
                release_memory(self._engine)
            self._promote()

    def _promote(self) -> None:
        try:
            if promoted := self._fields.promote():
                logger.info("fields of log records have columns now: %s", ", ".join(promoted))
        except TelemetryError as error:
            logger.warning("fields of log records could not be given columns: %s", error)


def release_memory(engine: Engine) -> None:
    """Return free memory of Arrow, of the C library and of an embedded engine."""
    pa.default_memory_pool().release_unused()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    if engine.embedded:
        try:
            engine.command("SYSTEM JEMALLOC PURGE")
        except TelemetryError:
            return  # an engine without that allocator has nothing to give back
