"""Patterns of log lines: how often, since when, what is new and what is gone since the last deployment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from dashboard.panels.time_range import MINUTE, PageRange
from fleet.models import Deployment
from fleet.selectors.logs import Releases, releases
from telemetry.model.errors import InvalidInput
from telemetry.patterns.masking import WILDCARD
from telemetry.store import LogPattern, PatternSeries, TelemetryStore

Standing = Literal["new", "gone", ""]

TREND_STEPS: Final = 40
MOST_SHOWN: Final = 200
SETTLING_MS: Final = 10 * MINUTE
"""A pattern is called gone only so long after a deployment."""
REMEMBERED_MS: Final = 24 * 60 * MINUTE
"""A pattern that had been silent for so long before the deployment did not go with it."""


def standing(pattern: LogPattern, deployed_ms: int | None, now_ms: int) -> Standing:
    """How a pattern stands to the newest deployment of its service; "" without one."""
    if deployed_ms is None:
        return ""
    if pattern.first_ms >= deployed_ms:
        return "new"
    silent = deployed_ms - REMEMBERED_MS <= pattern.last_ms < deployed_ms
    return "gone" if silent and now_ms - deployed_ms >= SETTLING_MS else ""


@dataclass(frozen=True, slots=True)
class PatternRow:
    """One pattern for a template."""

    pattern: LogPattern
    pieces: list[tuple[str, bool]]
    """The template in pieces: (text, whether it is a wildcard)."""
    records: int
    share_ratio: float
    trend: list[float]
    standing: Standing
    release: Deployment | None
    """The newest deployment of the service."""


@dataclass(frozen=True, slots=True)
class PatternList:
    """The patterns of a page, most lines first, those that are gone at the end."""

    rows: list[PatternRow]
    records: int
    new: int
    gone: int
    left_out: int
    """Patterns beyond MOST_SHOWN."""
    step_ms: int


def pattern_list(
    store: TelemetryStore, services: Sequence[str], time_range: PageRange, *, severity_min: int = 0, text: str = "",
    wanted: Standing = "",
) -> PatternList:  # fmt: skip
    """Patterns with lines in the range, and those gone since the last deployment. Two questions to the store."""
    known = [each for each in store.log_patterns(services) if text.lower() in each.template.lower()]
    step_ms = time_range.step_ms(TREND_STEPS, MINUTE)
    series = store.log_pattern_series(known, time_range.start_ms, time_range.end_ms, step_ms, severity_min=severity_min)
    deployed = releases(pattern.service for pattern in known)
    total = sum(one.total for one in series)
    rows = [_row(one, deployed, total, time_range.end_ms) for one in series]
    rows += _gone(known, {id(one.pattern) for one in series}, deployed, time_range.end_ms)
    shown = [row for row in rows if not wanted or row.standing == wanted]
    return PatternList(
        rows=shown[:MOST_SHOWN],
        records=total,
        new=sum(row.standing == "new" for row in rows),
        gone=sum(row.standing == "gone" for row in rows),
        left_out=max(0, len(shown) - MOST_SHOWN),
        step_ms=step_ms,
    )


def _row(series: PatternSeries, deployed: Releases, total: int, now_ms: int) -> PatternRow:
    trend = [float(count) for count in series.counts]
    return _described(series.pattern, deployed, now_ms, series.total, series.total / max(total, 1), trend)


def _gone(known: Sequence[LogPattern], present: set[int], deployed: Releases, now_ms: int) -> list[PatternRow]:
    silent = (_described(each, deployed, now_ms, 0, 0.0, []) for each in known if id(each) not in present)
    return [row for row in silent if row.standing == "gone"]


def _described(
    pattern: LogPattern, deployed: Releases, now_ms: int, records: int, share_ratio: float, trend: list[float]
) -> PatternRow:
    release = deployed.last(pattern.service)
    at_ms = int(release.deployed_at.timestamp() * 1000) if release else None
    return PatternRow(
        pattern, pieces_of(pattern.template), records, share_ratio, trend, standing(pattern, at_ms, now_ms), release
    )


def pieces_of(template: str) -> list[tuple[str, bool]]:
    """`template` in texts and wildcards."""
    pieces: list[tuple[str, bool]] = []
    for place, text in enumerate(template.split(WILDCARD)):
        pieces += [("…", True)] if place else []
        pieces += [(text, False)] if text else []
    return pieces


def pattern_named(store: TelemetryStore, name: str, services: Sequence[str] = ()) -> LogPattern:
    """The pattern called `name`, also by a name it had before. Raises InvalidInput if there is none."""
    try:
        wanted = int(name, 16)
    except ValueError as error:
        raise InvalidInput(f"pattern {name[:40]!r} is not 16 hexadecimal digits") from error
    found = next((each for each in store.log_patterns(services) if wanted in each.ids), None)
    if found is None:
        raise InvalidInput(f"there is no pattern {name[:40]}; it may be older than the retention")
    return found


def loki_patterns(series: Sequence[PatternSeries]) -> list[dict[str, Any]]:
    """The `data` of Loki's patterns endpoint: samples are [seconds since 1970, lines], empty steps left out.

    Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/#patterns-detection
    """
    return [
        {
            "pattern": one.pattern.template.replace(WILDCARD, "<_>"),
            "samples": [
                [int(at) // 1000, int(count)] for at, count in zip(one.times_ms, one.counts, strict=True) if count
            ],
        }
        for one in series
    ]
