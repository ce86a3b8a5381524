"""How many bytes of log records one query may read, and how many queries wanted more."""

from collections.abc import Iterator
from contextlib import contextmanager

from telemetry.store import own_metrics
from telemetry.store.engine import Settings
from telemetry.store.engine_errors import TooManyBytes
from telemetry.store.settings import StoreSettings


def log_read_settings(settings: StoreSettings, read_settings: Settings) -> Settings:
    """Engine settings of queries for log lines: those of every read, and the limit of bytes."""
    return {**read_settings, "max_bytes_to_read": settings.max_query_log_bytes}


@contextmanager
def refusals_counted() -> Iterator[None]:
    """Count what the limit refuses inside the block. Raises TooManyBytes, as the engine did."""
    try:
        yield
    except TooManyBytes:
        own_metrics.LOG_QUERIES_OVER_BYTES.inc()
        raise
