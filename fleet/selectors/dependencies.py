"""Reads of the advisory mirror, and of what the newest reports could and could not say."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Max, Q, QuerySet

from fleet.matching import PackageAdvisories
from fleet.models import Advisory, AffectedPackage, AuditReport, Component
from fleet.osv import OsvRecord, read_record

Package = tuple[str, str]
"""(ecosystem, normalised name)."""

_QUERY_PACKAGES: Final = 300


def mirror_is_empty(ecosystem: str = "PyPI") -> bool:
    """Whether no advisory of `ecosystem` is loaded, so that nothing can be called clean."""
    return not AffectedPackage.objects.filter(ecosystem=ecosystem).exists()


def mirrored_ecosystems() -> frozenset[str]:
    """Ecosystems that any advisory names."""
    return frozenset(AffectedPackage.objects.order_by().values_list("ecosystem", flat=True).distinct())


def package_advisories(packages: Iterable[Package]) -> dict[Package, PackageAdvisories]:
    """Compiled advisories of each of `packages`, also of those that none names. One query per 300 packages."""
    wanted = sorted(set(packages))
    records: dict[Package, list[OsvRecord]] = {package: [] for package in wanted}
    for package, document in _documents_of(wanted):
        records[package].append(read_record(document))
    return {package: PackageAdvisories(*package, found) for package, found in records.items()}


def package_documents(package: Package) -> dict[str, dict[str, object]]:
    """OSV documents of the advisories that name `package`, by identifier; withdrawn ones are left out."""
    return {str(document["id"]): document for _, document in _documents_of([package])}


def _documents_of(packages: list[Package]) -> Iterator[tuple[Package, dict[str, object]]]:
    names: dict[str, list[str]] = defaultdict(list)
    for ecosystem, name in packages:
        names[ecosystem].append(name)
    for ecosystem, named in names.items():
        for start in range(0, len(named), _QUERY_PACKAGES):
            rows = AffectedPackage.objects.filter(
                ecosystem=ecosystem, package__in=named[start : start + _QUERY_PACKAGES], advisory__withdrawn=None
            ).order_by("advisory__osv_id")
            for name, document in rows.values_list("package", "advisory__document"):
                yield (ecosystem, name), document


def advisory_named(name: str) -> Advisory | None:
    """The advisory called `name`, else the first of which that is an alias."""
    found = Advisory.objects.filter(osv_id=name).first()
    return found or Advisory.objects.filter(aliases__alias=name).order_by("osv_id").first()


def unknown_components(service: str | None = None) -> QuerySet[Component]:
    """Components of current reports that could not be audited, with the reason in `skip_reason`."""
    unknown = Component.objects.filter(report__current=True).exclude(skip_reason="")
    unknown = unknown.select_related("report__service", "report__environment")
    return unknown.filter(report__service__name=service) if service is not None else unknown


@dataclass(frozen=True, slots=True)
class AuditStanding:
    """How far the dependencies of a service were looked at, over the newest reports of all its environments."""

    reports: int = 0
    components: int = 0
    unknown: int = 0
    """Components that could not be audited."""
    audited_at: datetime | None = None
    """When the newest report arrived."""

    def state(self, open_findings: int) -> str:
        """'vulnerable', 'clean', or 'unknown' where nothing was ever audited or something could not be."""
        if open_findings:
            return "vulnerable"
        return "clean" if self.components and not self.unknown else "unknown"


def audit_standings() -> dict[int, AuditStanding]:
    """Service id -> its standing, two queries; services that never sent a report are absent."""
    current = AuditReport.objects.filter(current=True).order_by()
    listed = Component.objects.filter(report__current=True).order_by()
    counts = {
        service: (components, unknown)
        for service, components, unknown in listed.values("report__service")
        .annotate(components=Count("pk"), unknown=Count("pk", filter=~Q(skip_reason="")))
        .values_list("report__service", "components", "unknown")
    }
    rows = current.values("service").annotate(reports=Count("pk"), at=Max("received_at"))
    return {
        service: AuditStanding(reports, *counts.get(service, (0, 0)), at)
        for service, reports, at in rows.values_list("service", "reports", "at")
    }
