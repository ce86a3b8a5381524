"""How old the newest telemetry is: what the foot of the navigation says on every page."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.core.cache import cache

from telemetry.model.errors import TelemetryError
from telemetry.store import ServiceSeen, current

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
        newest = max((moment for one in services_seen().values() if (moment := newest_of(one))), default=None)
    except TelemetryError:
        return Freshness(None, "crit", "telemetry is not available")
    if newest is None:
        return Freshness(None, "none", "no data yet")
    return freshness_of(newest, time.time_ns() // 1_000_000)


def freshness_of(newest_ms: int, now_ms: int) -> Freshness:
    """Live up to two minutes, late up to five, then stale."""
    age = now_ms - newest_ms
    if age <= LIVE_MS:
        return Freshness(newest_ms, "ok", "live")
    return Freshness(newest_ms, "warn", "late") if age <= STALE_MS else Freshness(newest_ms, "crit", "stale")


def services_seen() -> Mapping[str, ServiceSeen]:
    """Newest telemetry of each service, at most KEPT_SECONDS old. Raises what the store raises."""
    seen: Mapping[str, ServiceSeen] | None = cache.get("services-seen")
    if seen is None:
        seen = current().services_seen()
        cache.set("services-seen", seen, KEPT_SECONDS)
    return seen


def newest_of(seen: ServiceSeen) -> int | None:
    """Newest telemetry of any signal; None if there never was any."""
    return max(seen.metrics_ms or 0, seen.logs_ms or 0) or None
