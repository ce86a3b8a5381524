"""Limits of services, held in memory so that ingest never waits for them."""

import time
from typing import Final

from fleet.models import ServiceLimit

RELOAD_SECONDS: Final = 5.0

_cached: dict[str, ServiceLimit] = {}
_loaded_at = float("-inf")


def service_limits() -> dict[str, ServiceLimit]:
    """Service name -> its row, at most RELOAD_SECONDS old."""
    global _cached, _loaded_at
    now = time.monotonic()
    if now - _loaded_at > RELOAD_SECONDS:
        _loaded_at = now
        _cached = {row.service: row for row in ServiceLimit.objects.all()}
    return _cached


def forget_cached_limits() -> None:
    """Read the rows again at the next call."""
    global _loaded_at
    _loaded_at = float("-inf")
