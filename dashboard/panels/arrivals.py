"""What has arrived from whom: the newest metric sample and log record of each service."""

import time
from dataclasses import dataclass

from dashboard.panels.freshness import freshness_of
from telemetry.model.errors import TelemetryError
from telemetry.store import ServiceSeen, current

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Arrival:
    """One service; a state is a badge word, the words are its age."""

    service: str
    metrics_ms: int | None
    metrics_state: str
    metrics_words: str
    logs_ms: int | None
    logs_state: str
    logs_words: str


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The services heard of last, most recent first; `error` says why they are not known."""

    rows: list[Arrival]
    more: int = 0
    error: str = ""


def arrivals() -> Arrivals:
    """At most 10 services."""
    try:
        seen = current().services_seen()
    except TelemetryError as error:
        return Arrivals([], error=str(error))
    newest_first = sorted(seen.items(), key=lambda entry: -newest_ms(entry[1]))
    now_ms = time.time_ns() // 1_000_000
    rows = [_arrival(name, moments, now_ms) for name, moments in newest_first[:_SHOWN]]
    return Arrivals(rows, more=len(newest_first) - len(rows))


def newest_ms(seen: ServiceSeen) -> int:
    """Newest telemetry of any signal, 0 if there is none."""
    return max(seen.metrics_ms or 0, seen.logs_ms or 0)


def _arrival(name: str, seen: ServiceSeen, now_ms: int) -> Arrival:
    metrics_state, metrics_words = _described(seen.metrics_ms, now_ms)
    logs_state, logs_words = _described(seen.logs_ms, now_ms)
    return Arrival(name, seen.metrics_ms, metrics_state, metrics_words, seen.logs_ms, logs_state, logs_words)


def _described(moment_ms: int | None, now_ms: int) -> tuple[str, str]:
    if moment_ms is None:
        return "none", "none"
    return freshness_of(moment_ms, now_ms).state, f"{age_words(max(now_ms - moment_ms, 0))} ago"


def age_words(age_ms: int) -> str:
    """Age in its largest unit: 12 s, 4 min, 3 h, 5 d."""
    for limit_ms, factor_ms, unit in ((120_000, 1000, "s"), (7_200_000, 60_000, "min"), (172_800_000, 3_600_000, "h")):
        if age_ms < limit_ms:
            return f"{age_ms // factor_ms} {unit}"
    return f"{age_ms // 86_400_000} d"
