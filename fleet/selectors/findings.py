"""Findings as the security page shows them: filtered, counted, and grouped by service and package."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, F, Q, QuerySet

from fleet.models import AuditReport, Component, Finding

SEVERITY_WORDS: Final = ("critical", "high", "medium", "low", "unrated")

SEVERITY_CONDITIONS: Final = {
    "critical": Q(severity_score__gte=9.0),
    "high": Q(severity_score__gte=7.0, severity_score__lt=9.0),
    "medium": Q(severity_score__gte=4.0, severity_score__lt=7.0),
    "low": Q(severity_score__lt=4.0),
    "unrated": Q(severity_score=None),
}
"""Ranges of the CVSS qualitative scale (https://www.first.org/cvss/v3.1/specification-document#5)."""

UNDECIDED_STATES: Final = (Finding.State.OPEN, Finding.State.UNDER_INVESTIGATION)
"""States that still ask for work: looking into a finding does not close it."""

OPEN: Final = "open"
"""The word of the filter for UNDECIDED_STATES; other words are one state each."""


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """What the list of findings is narrowed to; empty fields narrow nothing."""

    state: str = OPEN
    severity: str = ""
    service: str = ""
    package: str = ""
    advisory: str = ""
    environment: str = ""
    team: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class AuditCoverage:
    """What the newest reports cover: how many components, and how many of them could not be audited."""

    services: int
    components: int
    unknown: int


def findings(wanted: FindingFilter) -> QuerySet[Finding]:
    """Findings of the filter, most severe first; a published severity comes before none."""
    rows = Finding.objects.select_related("service", "service__team", "environment", "introduced_by", "fixed_by")
    if wanted.state:
        rows = rows.filter(state__in=UNDECIDED_STATES if wanted.state == OPEN else (wanted.state,))
    if wanted.severity:
        rows = rows.filter(SEVERITY_CONDITIONS[wanted.severity])
    if wanted.service:
        rows = rows.filter(service__name=wanted.service)
    if wanted.package:
        rows = rows.filter(_package(wanted.package))
    if wanted.advisory:
        rows = rows.filter(advisory_id=wanted.advisory)
    if wanted.environment:
        rows = rows.filter(environment__name=wanted.environment)
    if wanted.team:
        rows = rows.filter(service__team__name=wanted.team)
    if wanted.owner:
        rows = rows.filter(owner=wanted.owner)
    return rows.order_by(F("severity_score").desc(nulls_last=True), "-first_seen_at", "pk")


def _package(text: str) -> Q:
    """A part of the name, or exactly the name in quotation marks."""
    if len(text) > 2 and text[0] == text[-1] == '"':
        return Q(package=text[1:-1])
    return Q(package__icontains=text)


def severity_counts(rows: QuerySet[Finding]) -> dict[str, int]:
    """Severity word -> how many of `rows`, one query."""
    counts = {word: Count("pk", filter=condition) for word, condition in SEVERITY_CONDITIONS.items()}
    return rows.order_by().aggregate(**counts)


def open_by_service(limit: int) -> list[dict[str, object]]:
    """Services with the most severe open findings first: `service__name` and a count for each severity word."""
    return _open_grouped("service__name", limit)


def open_by_package(limit: int) -> list[dict[str, object]]:
    """Packages with the most severe open findings first: `package` and a count for each severity word."""
    return _open_grouped("package", limit)


def _open_grouped(column: str, limit: int) -> list[dict[str, object]]:
    counts = {word: Count("pk", filter=condition) for word, condition in SEVERITY_CONDITIONS.items()}
    rows = Finding.objects.filter(state__in=UNDECIDED_STATES).order_by().values(column).annotate(**counts)
    ordered = rows.order_by(*(f"-{word}" for word in SEVERITY_WORDS), column)
    return list(ordered.values(column, *SEVERITY_WORDS)[:limit])


def audit_coverage() -> AuditCoverage:
    """Over the newest report of each service and environment."""
    current = AuditReport.objects.filter(current=True)
    components = Component.objects.filter(report__current=True)
    counts = components.aggregate(all=Count("pk"), unknown=Count("pk", filter=~Q(skip_reason="")))
    return AuditCoverage(current.values("service").distinct().count(), counts["all"], counts["unknown"])


def unknown_reasons(limit: int) -> list[dict[str, object]]:
    """Why components could not be audited, most frequent first: `skip_reason`, `components`, `services`."""
    unknown = Component.objects.filter(report__current=True).exclude(skip_reason="").order_by()
    rows = unknown.values("skip_reason").annotate(
        components=Count("pk"), services=Count("report__service", distinct=True)
    )
    return [dict(row) for row in rows.order_by("-components", "skip_reason")[:limit]]
