"""Reads of advisories, findings, components and their age."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Max, Q, QuerySet
from django.utils import timezone

from fleet.matching import PackageAdvisories
from fleet.models import Advisory, AdvisoryFeed, AffectedPackage, AuditReport, Component, Finding
from fleet.osv import OsvRecord, read_record

Package = tuple[str, str]
"""(ecosystem, normalised name)."""

FEED_OLD_AFTER: Final = timedelta(days=3)
"""Age from which a feed that is fetched daily counts as old."""

SEVERITY_BANDS: Final = (("critical", 9.0), ("high", 7.0), ("medium", 4.0), ("low", 0.1), ("none", 0.0))
"""(word, least score), highest first. Source: CVSS 3.1 specification, section 5."""

_QUERY_PACKAGES: Final = 300


def severity_band(score: float | None) -> str:
    """Word for a CVSS base score; "unknown" where none is published."""
    if score is None:
        return "unknown"
    return next(word for word, least in SEVERITY_BANDS if score >= least or least == 0.0)


def mirror_is_empty(ecosystem: str = "PyPI") -> bool:
    """Whether no advisory of `ecosystem` is loaded, so that nothing can be called clean."""
    return not AffectedPackage.objects.filter(ecosystem=ecosystem).exists()


def package_advisories(packages: Iterable[Package]) -> dict[Package, PackageAdvisories]:
    """Compiled advisories of each of `packages`, also of those that none names. One query per 300 packages."""
    wanted = sorted(set(packages))
    records: dict[Package, list[OsvRecord]] = {package: [] for package in wanted}
    for package, record in _records_of(wanted):
        records[package].append(record)
    return {package: PackageAdvisories(*package, found) for package, found in records.items()}


def _records_of(packages: list[Package]) -> Iterator[tuple[Package, OsvRecord]]:
    names: dict[str, list[str]] = defaultdict(list)
    for ecosystem, name in packages:
        names[ecosystem].append(name)
    for ecosystem, named in names.items():
        for start in range(0, len(named), _QUERY_PACKAGES):
            rows = AffectedPackage.objects.filter(
                ecosystem=ecosystem, package__in=named[start : start + _QUERY_PACKAGES], advisory__withdrawn=None
            ).order_by("advisory__osv_id")
            for name, document in rows.values_list("package", "advisory__document"):
                yield (ecosystem, name), read_record(document)


def advisory(osv_id: str) -> Advisory | None:
    """The advisory called `osv_id`, else one of which that is an alias."""
    found = Advisory.objects.filter(osv_id=osv_id).first()
    return found or Advisory.objects.filter(aliases__alias=osv_id).order_by("osv_id").first()


@dataclass(frozen=True, slots=True)
class FeedAge:
    """One feed and how far behind it is."""

    feed: AdvisoryFeed
    age: timedelta | None
    """Since its last complete import; None if there was none."""

    @property
    def is_old(self) -> bool:
        return self.age is None or self.age > FEED_OLD_AFTER


def feed_ages(now: datetime | None = None) -> list[FeedAge]:
    """Every advisory feed with its age, by name."""
    moment = now or timezone.now()
    return [
        FeedAge(feed, moment - feed.imported_at if feed.imported_at else None) for feed in AdvisoryFeed.objects.all()
    ]


def findings(
    *, service: str | None = None, environment: str | None = None, states: Collection[str] = (Finding.State.OPEN,)
) -> QuerySet[Finding]:
    """Findings in `states` (open by default), worst first, with service, team and environment at hand."""
    found = Finding.objects.filter(state__in=states).select_related("service__team", "environment")
    if service is not None:
        found = found.filter(service__name=service)
    if environment is not None:
        found = found.filter(environment__name=environment)
    return found.order_by(F("severity_score").desc(nulls_last=True), "package", "advisory_id")


def open_findings(service: str | None = None) -> QuerySet[Finding]:
    """Open findings of one service or of all."""
    return findings(service=service)


def current_reports(service: str | None = None) -> QuerySet[AuditReport]:
    """The newest report of each service and environment."""
    reports = AuditReport.objects.filter(current=True).select_related("service__team", "environment", "deployment")
    return reports.filter(service__name=service) if service is not None else reports


def unknown_components(service: str | None = None) -> QuerySet[Component]:
    """Components of current reports that could not be audited, with the reason in `skip_reason`."""
    unknown = Component.objects.filter(report__current=True).exclude(skip_reason="")
    unknown = unknown.select_related("report__service", "report__environment")
    return unknown.filter(report__service__name=service) if service is not None else unknown


@dataclass(frozen=True, slots=True)
class ServiceSecurity:
    """What is known of the dependencies of one service, over all its environments."""

    service: str
    reports: int
    """Current reports; 0 means that nothing was ever audited: unknown, not clean."""
    components: int
    unknown: int
    open_by_band: dict[str, int]
    """Open findings by severity word, words without findings left out."""
    audited_at: datetime | None
    """When the newest report arrived."""

    @property
    def open(self) -> int:
        return sum(self.open_by_band.values())

    @property
    def state(self) -> str:
        """ "vulnerable", "unknown" (nothing audited, or something could not be) or "clean"."""
        if self.open:
            return "vulnerable"
        return "unknown" if self.unknown or not self.reports or not self.components else "clean"


def security_by_service(services: Collection[str]) -> dict[str, ServiceSecurity]:
    """Security of each of `services`, also of those never audited. Three queries however many there are."""
    reports = AuditReport.objects.filter(current=True, service__name__in=services).values("service__name")
    components = Component.objects.filter(report__current=True, report__service__name__in=services)
    totals = _by_name(reports.annotate(count=Count("pk"), at=Max("received_at")), "service__name")
    held = _by_name(
        components.values("report__service__name").annotate(
            count=Count("pk"), unknown=Count("pk", filter=~Q(skip_reason=""))
        ),
        "report__service__name",
    )
    bands = _open_by_band(services)
    return {
        name: ServiceSecurity(
            service=name,
            reports=totals.get(name, {}).get("count", 0),
            components=held.get(name, {}).get("count", 0),
            unknown=held.get(name, {}).get("unknown", 0),
            open_by_band=bands.get(name, {}),
            audited_at=totals.get(name, {}).get("at"),
        )
        for name in services
    }


def _by_name(rows: Iterable[Mapping[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: dict(row) for row in rows}


def _open_by_band(services: Collection[str]) -> dict[str, dict[str, int]]:
    bands: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    scores = Finding.objects.filter(state=Finding.State.OPEN, service__name__in=services)
    for name, score in scores.values_list("service__name", "severity_score"):
        bands[name][severity_band(score)] += 1
    return {name: dict(counts) for name, counts in bands.items()}
