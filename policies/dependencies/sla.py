"""When a finding must be fixed: days by severity, fewer where it is known to be exploited."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from policies.dependencies.facts import Facts, severity_word

SEVERITIES: Final = ("critical", "high", "medium", "low", "unrated")
DEFAULT_DAYS: Final[Mapping[str, float]] = {"critical": 7, "high": 30, "medium": 90, "low": 180, "unrated": 30}
_SOON: Final = 0.25
"""Share of the time at which a due date is near."""


@dataclass(frozen=True, slots=True)
class Sla:
    """Days that there are to fix a finding, from when it was first seen or came back."""

    days: Mapping[str, float] = field(default_factory=lambda: DEFAULT_DAYS)
    known_exploited_days: float | None = 3
    """Days where exploitation is known, if that is sooner."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How a finding stands against its due date at one moment."""

    due_at: datetime
    left: timedelta
    """Negative when overdue."""
    allowed: timedelta

    @property
    def is_overdue(self) -> bool:
        return self.left < timedelta()

    @property
    def left_ratio(self) -> float:
        """Share of the time that is left; negative when overdue."""
        return self.left / self.allowed

    @property
    def state(self) -> str:
        """'overdue', 'soon' when less than a quarter of the time is left, or 'ok'."""
        return "overdue" if self.is_overdue else "soon" if self.left_ratio < _SOON else "ok"

    @property
    def words(self) -> str:
        """Time left or overdue, in days from two days on, else in hours."""
        hours = abs(self.left).total_seconds() / 3600
        amount = f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} h"
        return f"{amount} overdue" if self.is_overdue else f"{amount} left"


def days_allowed(sla: Sla, facts: Facts) -> float:
    """Days from the start of the clock to the due date."""
    days = sla.days[severity_word(facts.severity_score)]
    if facts.known_exploited and sla.known_exploited_days is not None:
        return min(days, sla.known_exploited_days)
    return days


def clock(sla: Sla, facts: Facts, now: datetime) -> Clock | None:
    """The clock of a finding; None where nothing says when it began."""
    if facts.counts_since is None:
        return None
    allowed = timedelta(days=days_allowed(sla, facts))
    due_at = facts.counts_since + allowed
    return Clock(due_at, due_at - now, allowed)
