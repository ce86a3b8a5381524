"""Rules for log records before storage, held in memory so that ingest never waits for them."""

import time
from dataclasses import dataclass
from typing import Final

from fleet.models import RedactionPattern, RedactionSwitch, SamplingRule

RELOAD_SECONDS: Final = 5.0


@dataclass(frozen=True)
class LogCareRows:
    """The rows of the pages, as they were read at one time; equal if nothing changed."""

    patterns: tuple[tuple[str, str], ...] = ()
    """(name, RE2 pattern)"""
    switches: tuple[tuple[str, str], ...] = ()
    """(service or *, name of a rule)"""
    sampling: tuple[tuple[str, int, str, int], ...] = ()
    """(service, highest severity number, RE2 pattern or '', keep one in so many)"""


_cached = LogCareRows()
_loaded_at = float("-inf")


def log_care_rows() -> LogCareRows:
    """The rows, at most RELOAD_SECONDS old."""
    global _cached, _loaded_at
    now = time.monotonic()
    if now - _loaded_at > RELOAD_SECONDS:
        _cached = _read()
        _loaded_at = now
    return _cached


def forget_cached_log_care() -> None:
    """Read the rows again at the next call."""
    global _loaded_at
    _loaded_at = float("-inf")


def sampling_of(services: tuple[str, ...]) -> list[SamplingRule]:
    """Sampling rules of these services; of all if none is named."""
    rules = SamplingRule.objects.all()
    return list(rules.filter(service__in=services) if services else rules)


def _read() -> LogCareRows:
    return LogCareRows(
        tuple(RedactionPattern.objects.values_list("name", "pattern")),
        tuple(RedactionSwitch.objects.values_list("service", "rule")),
        tuple(SamplingRule.objects.values_list("service", "severity_max", "pattern", "keep_one_in")),
    )
