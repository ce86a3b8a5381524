"""What an inventory would do to a service, without doing it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from fleet.actions.findings import Changes, Inventory, settle
from fleet.claims import claims_by_package, claims_of, kept_problem
from fleet.inventory import ReportedInventory
from fleet.models import AuditReport, Component, Environment, Finding, Service
from fleet.selectors.dependencies import mirrored_ecosystems, package_advisories


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Unsaved rows: the findings of what is in the inventory with the states that they would have."""

    service: Service
    is_known: bool
    """Whether there is such a service already."""
    components: Sequence[Component]
    findings: Sequence[Finding]
    """Decisions that were made about the same problem of the service hold here too."""


def rehearse(*, service: str, environment: str, inventory: ReportedInventory) -> Rehearsal:
    """Match `inventory` as if it came from `service` in `environment`; both may be unknown. Writes nothing."""
    place = Service.objects.filter(name=service).first() or Service(name=service)
    where = Environment.objects.filter(name=environment).first() or Environment(name=environment)
    report = AuditReport(format=inventory.format, audited=inventory.audited)
    components = [
        Component(
            report=report,
            ecosystem=row.ecosystem,
            name=row.name,
            version=row.version,
            purl=row.purl,
            skip_reason=row.skip_reason,
            claims=[kept_problem(problem) for problem in row.problems],
        )
        for row in inventory.components
    ]
    return Rehearsal(place, place.pk is not None, components, _findings(place, where, components))


def _findings(place: Service, where: Environment, components: Sequence[Component]) -> list[Finding]:
    known = place.pk is not None and where.pk is not None
    existing = list(Finding.objects.filter(service=place, environment=where)) if known else []
    changes = Changes()
    inventory = Inventory(
        place.pk or 0,
        where.pk or 0,
        components,
        claims_by_package(
            ((each.ecosystem, each.name), claims_of(each.report.format, each.version, each.claims))
            for each in components
        ),
        is_fresh=True,
        mirrored=mirrored_ecosystems(),
    )
    packages = inventory.packages
    kept = [finding for finding in existing if (finding.ecosystem, finding.package) in packages]
    settle(inventory, package_advisories(packages), kept, changes, timezone.now())
    found = [*(finding for finding in kept if finding not in changes.merged), *changes.new]
    for finding in found:
        finding.service, finding.environment = place, where
    return found
