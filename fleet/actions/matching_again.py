"""Matches what is stored against advisories that have changed, without a new scan."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from fleet.actions.findings import PRESENT_STATES, Changes, Inventory, settle
from fleet.jobs import JobRun, enqueue, job
from fleet.matching import PackageAdvisories
from fleet.models import AuditReport, Component, Finding, Job, Service
from fleet.observations import MIRROR, Claim
from fleet.selectors.dependencies import Package, package_advisories

MATCH_AGAIN: Final = "dependencies.match_again"
"""Kind of the job."""

_Row = TypeVar("_Row", bound=Model)
_BATCH_SERVICES: Final = 50
_MOST_PACKAGES: Final = 500
"""Beyond so many changed packages everything is matched: naming them would cost more than it saves."""


def enqueue_matching(packages: Collection[Package]) -> Job:
    """Have components of `packages` matched again; inside the caller's transaction, so that it cannot be lost."""
    named = [list(package) for package in sorted(packages)] if len(packages) <= _MOST_PACKAGES else None
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
    changes, now = Changes(), timezone.now()
    components = _by_report(_of_packages(Component.objects.filter(report__service__in=services), packages, "name"))
    findings = _by_place(_of_packages(Finding.objects.filter(service__in=services), packages, "package"))
    listed_packages = {(each.ecosystem, each.name) for listed in components.values() for each in listed}
    known.update(package_advisories(listed_packages - known.keys()))
    changed: list[Component] = []
    for report, listed in components.items():
        place = findings.get((report.service_id, report.environment_id), [])
        changed += _match_report(report, listed, place, known, changes, now)
    changes.save()
    Component.objects.bulk_update(changed, ["skip_reason"], batch_size=500)
    _count_again(components.keys())
    return changes


def _match_report(
    report: AuditReport,
    components: Sequence[Component],
    findings: Iterable[Finding],
    advisories: Mapping[Package, PackageAdvisories],
    changes: Changes,
    now: datetime,
) -> list[Component]:
    packages = {(component.ecosystem, component.name) for component in components}
    existing = [finding for finding in findings if (finding.ecosystem, finding.package) in packages]
    inventory = Inventory(
        report.service_id,
        report.environment_id,
        components,
        _standing_claims(existing),
        is_fresh=False,
        deployment_id=report.deployment_id,
    )
    return settle(inventory, advisories, existing, changes, now)


def _standing_claims(findings: Iterable[Finding]) -> dict[Package, list[Claim]]:
    """What scanners said in the newest report, as the findings remember it."""
    claims: dict[Package, list[Claim]] = defaultdict(list)
    for finding in findings:
        scanners = set(finding.reported_by) - {MIRROR} if finding.state != Finding.State.FIXED else ()
        claims[finding.ecosystem, finding.package] += [
            Claim(
                scanner=scanner,
                version=version,
                ids=(finding.advisory_id, *finding.aliases),
                summary=finding.summary,
                fix_versions=tuple(finding.fix_versions),
            )
            for scanner in scanners
            for version in finding.version.split(", ")
        ]
    return claims


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


def _by_report(components: QuerySet[Component]) -> dict[AuditReport, list[Component]]:
    grouped: dict[AuditReport, list[Component]] = defaultdict(list)
    for component in components.filter(report__current=True).select_related("report"):
        grouped[component.report].append(component)
    return grouped


def _by_place(findings: QuerySet[Finding]) -> dict[tuple[int, int], list[Finding]]:
    grouped: dict[tuple[int, int], list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[finding.service_id, finding.environment_id].append(finding)
    return grouped
