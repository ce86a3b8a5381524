"""Matches what is stored against advisories that have changed, without a new scan."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from fleet.actions.findings import PRESENT_STATES, Changes, Inventory, settle
from fleet.claims import claims_by_package, claims_of
from fleet.jobs import JobRun, enqueue, job
from fleet.matching import PackageAdvisories
from fleet.models import AuditReport, Component, Finding, Job, Service
from fleet.selectors.dependencies import Package, mirrored_ecosystems, package_advisories

MATCH_AGAIN: Final = "dependencies.match_again"
"""Kind of the job."""

Place = tuple[int, int]
"""Keys of a service and an environment."""

_Row = TypeVar("_Row", bound=Model)
_BATCH_SERVICES: Final = 50
_MOST_PACKAGES: Final = 500
"""Beyond so many changed packages everything is matched: naming them would cost more than it saves."""


def enqueue_matching(packages: Collection[Package] | None) -> Job:
    """Have components of `packages` (None: all) matched again; in the caller's transaction, so it cannot be lost."""
    few = packages is not None and len(packages) <= _MOST_PACKAGES
    named = [list(package) for package in sorted(packages or ())] if few else None
    return enqueue(MATCH_AGAIN, arguments={"packages": named})


@job(MATCH_AGAIN)
def match_again_job(run: JobRun, packages: list[list[str]] | None) -> str:
    """Job: `match_again` for (ecosystem, name) pairs, or for everything."""
    wanted = None if packages is None else {(ecosystem, name) for ecosystem, name in packages}
    changes = match_again(wanted, progress=run.progress)
    return f"{changes.opened} findings opened, {changes.reopened} reopened, {changes.fixed} fixed"


def match_again(
    packages: Collection[Package] | None = None, *, progress: Callable[[float], None] | None = None
) -> Changes:
    """Match components of all current reports (those of `packages`, or all) against today's advisories.

    What scanners reported stays until a newer report; what only the mirror said goes with its advisory. Batches of
    services are committed one by one, so that nobody waits long for the write lock.
    """
    total = Changes()
    chosen = _of_packages(Component.objects.filter(report__current=True), packages, "name")
    services = sorted(set(chosen.order_by().values_list("report__service_id", flat=True)))
    known = package_advisories(packages) if packages is not None else {}
    for start in range(0, len(services), _BATCH_SERVICES):
        with transaction.atomic():
            changes = _match_services(services[start : start + _BATCH_SERVICES], packages, known)
        total.opened += changes.opened
        total.fixed += changes.fixed
        total.reopened += changes.reopened
        if progress:
            progress(min(1.0, (start + _BATCH_SERVICES) / len(services)))
    return total


def _match_services(
    services: Sequence[int], packages: Collection[Package] | None, known: dict[Package, PackageAdvisories]
) -> Changes:
    list(Service.objects.select_for_update().filter(pk__in=services).order_by("pk"))
    changes, now, mirrored = Changes(), timezone.now(), mirrored_ecosystems()
    places = _by_place(_of_packages(Component.objects.filter(report__service__in=services), packages, "name"))
    findings = _findings_by_place(_of_packages(Finding.objects.filter(service__in=services), packages, "package"))
    listed_packages = {(each.ecosystem, each.name) for listed in places.values() for each in listed}
    known.update(package_advisories(listed_packages - known.keys()))
    changed: list[Component] = []
    for place, components in places.items():
        inventory = _inventory(place, components, mirrored)
        present = inventory.packages
        existing = [each for each in findings.get(place, ()) if (each.ecosystem, each.package) in present]
        changed += settle(inventory, known, existing, changes, now)
    changes.save()
    Component.objects.bulk_update(changed, ["skip_reason"], batch_size=500)
    reports = {component.report_id: component.report for listed in places.values() for component in listed}
    _count_again(reports.values())
    return changes


def _inventory(place: Place, components: Sequence[Component], mirrored: Collection[str]) -> Inventory:
    claims = claims_by_package(
        ((each.ecosystem, each.name), claims_of(each.report.format, each.version, each.claims)) for each in components
    )
    newest = max((each.report for each in components), key=lambda report: report.pk)
    return Inventory(*place, components, claims, is_fresh=False, mirrored=mirrored, deployment_id=newest.deployment_id)


def _count_again(reports: Collection[AuditReport]) -> None:
    """Bring the counts of `reports` up to date where they are not."""
    unknown = Counter(
        Component.objects.filter(report__in=reports).exclude(skip_reason="").values_list("report", flat=True).order_by()
    )
    there = Finding.objects.filter(service__in={report.service_id for report in reports}, state__in=PRESENT_STATES)
    findings = Counter(there.values_list("service", "environment").order_by())
    stale = []
    for report in reports:
        counts = unknown[report.pk], findings[report.service_id, report.environment_id]
        if (report.unknown, report.findings) != counts:
            report.unknown, report.findings = counts
            stale.append(report)
    AuditReport.objects.bulk_update(stale, ["unknown", "findings"], batch_size=500)


def _of_packages(rows: QuerySet[_Row], packages: Collection[Package] | None, name_field: str) -> QuerySet[_Row]:
    """Those of `rows` that are about one of `packages`; all of them for None."""
    if packages is None:
        return rows
    names: dict[str, list[str]] = defaultdict(list)
    for ecosystem, name in packages:
        names[ecosystem].append(name)
    wanted = Q(pk__in=[])
    for ecosystem, named in names.items():
        wanted |= Q(("ecosystem", ecosystem), (f"{name_field}__in", named))
    return rows.filter(wanted)


def _by_place(components: QuerySet[Component]) -> dict[Place, list[Component]]:
    grouped: dict[Place, list[Component]] = defaultdict(list)
    for component in components.filter(report__current=True).select_related("report"):
        grouped[component.report.service_id, component.report.environment_id].append(component)
    return grouped


def _findings_by_place(findings: QuerySet[Finding]) -> dict[Place, list[Finding]]:
    grouped: dict[Place, list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[finding.service_id, finding.environment_id].append(finding)
    return grouped
