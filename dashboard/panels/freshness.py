"""How old the newest telemetry is: what the foot of the navigation says on every page."""

import time
from dataclasses import dataclass
from typing import Final

from django.core.cache import cache

from telemetry.model.errors import TelemetryError
from telemetry.store.current import current

LIVE_MS: Final = 120_000
"""Exporters push every minute or more often."""
STALE_MS: Final = 5 * 60_000
KEPT_SECONDS: Final = 5
"""Pages of one moment share one reading."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """`state` is a badge word: ok, warn, crit or none; `newest_ms` is None before the first sample."""

    newest_ms: int | None
    state: str
    word: str


def data_freshness() -> Freshness:
    """Age of the newest sample or log record of the fleet, at most KEPT_SECONDS old."""
    try:
        newest = cache.get_or_set("freshness", _newest_ms, KEPT_SECONDS)
    except TelemetryError:
        return Freshness(None, "crit", "telemetry is not available")
    if not newest:
        return Freshness(None, "none", "no data yet")
    return freshness_of(newest, time.time_ns() // 1_000_000)


def freshness_of(newest_ms: int, now_ms: int) -> Freshness:
    """Live up to two minutes, late up to five, then stale."""
    age = now_ms - newest_ms
    if age <= LIVE_MS:
        return Freshness(newest_ms, "ok", "live")
    return Freshness(newest_ms, "warn", "late") if age <= STALE_MS else Freshness(newest_ms, "crit", "stale")


def _newest_ms() -> int:
    """0 when nothing has ever arrived: a cache cannot tell None from a miss."""
    seen = current().services_seen()
    return max((moment for one in seen.values() for moment in (one.metrics_ms, one.logs_ms) if moment), default=0)
