"""What the security page shows: counts that open their rows, the list itself, and where the risk sits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dashboard.panels.feeds import FeedState, feed_states
from fleet.models import AdvisoryFeed
from fleet.selectors.findings import (
    SEVERITY_WORDS,
    AuditCoverage,
    FindingFilter,
    audit_coverage,
    findings,
    open_by_package,
    open_by_service,
    severity_counts,
)

ROLES: Final = {"critical": "crit", "high": "warn", "medium": "info", "low": "series-7", "unrated": "none"}
"""Severity word -> colour word of the style sheet."""

_GROUPS_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class SecurityNumbers:
    """Numbers at the head of the page."""

    by_severity: dict[str, int]
    coverage: AuditCoverage
    feeds: list[FeedState]

    @property
    def open(self) -> int:
        return sum(self.by_severity.values())

    @property
    def has_advisories(self) -> bool:
        """Whether any feed of advisories is known; scores of exploitation alone say nothing of packages."""
        return any(feed.kind == AdvisoryFeed.Kind.ADVISORIES and feed.advisories for feed in self.feeds)

    @property
    def may_be_clean(self) -> bool:
        """Whether "no findings" may be read as "nothing known": advisories are loaded and something was audited."""
        return self.has_advisories and self.coverage.components > self.coverage.unknown


def security_numbers(now: datetime) -> SecurityNumbers:
    """Four queries."""
    return SecurityNumbers(severity_counts(findings(FindingFilter())), audit_coverage(), feed_states(now))


def risk_by_service() -> dict[str, Any]:
    """Open findings of the services that have the most severe ones."""
    return severity_bars(open_by_service(_GROUPS_SHOWN), "service__name", "Open findings by service")


def risk_by_package() -> dict[str, Any]:
    """Open findings of the packages that have the most severe ones."""
    return severity_bars(open_by_package(_GROUPS_SHOWN), "package", "Open findings by package")


def severity_bars(rows: Sequence[Mapping[str, Any]], column: str, title: str) -> dict[str, Any]:
    """Lying stacked bars, one a row, the first on top; severities without a finding are left out."""
    names = [row[column] for row in rows]
    words = [word for word in SEVERITY_WORDS if any(row[word] for row in rows)]
    return {
        "data": [_severity_trace(word, names, [row[word] for row in rows]) for word in words],
        "layout": {
            "barmode": "stack",
            "bargap": max(0.35, 1 - 0.1 * len(names)),
            "meta": {"title": title, "unit_words": "", "time": False, "summary": _summary(rows, column)},
            "xaxis": {"rangemode": "tozero", "tickformat": ",d"},
            "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
        },
    }


def _severity_trace(word: str, names: list[str], counts: list[int]) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": word,
        "x": counts,
        "y": names,
        "meta": {"role": ROLES[word]},
        "hovertemplate": f"%{{y}}: %{{x:,d}} {word}<extra></extra>",
    }


def _summary(rows: Sequence[Mapping[str, Any]], column: str) -> str:
    parts = [f"{row[column]} {sum(row[word] for word in SEVERITY_WORDS)}" for row in rows[:5]]
    return ", ".join(parts) if parts else "No open findings."
