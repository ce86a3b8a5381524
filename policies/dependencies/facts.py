"""What is known of one problem where it stands: the values that ranks, due dates and rules are made of."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """One finding, or one component without any (`advisory_id` ""). None is unknown, which is never zero or no."""

    package: str
    version: str = ""
    ecosystem: str = "PyPI"
    advisory_id: str = ""
    aliases: tuple[str, ...] = ()
    severity_score: float | None = None
    """CVSS base score, 0 to 10."""
    epss: float | None = None
    """Probability of exploitation within 30 days, 0 to 1."""
    known_exploited: bool | None = None
    """Listed in CISA's catalogue of known exploited vulnerabilities."""
    published_at: datetime | None = None
    counts_since: datetime | None = None
    """When the clock of its due date began."""
    licences: tuple[str, ...] | None = None
    internet_facing: bool | None = None
    requests_per_second: float | None = None
    """Mean over seven days."""
    replicas: int | None = None
    """That run now."""
    fix_versions: tuple[str, ...] = ()


def severity_word(score: float | None) -> str:
    """Word of the CVSS qualitative scale; "unrated" for None, as no score is no low score."""
    if score is None:
        return "unrated"
    return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"
