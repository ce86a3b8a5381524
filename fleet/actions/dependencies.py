"""Inventories and audit reports come in and become components and findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from fleet.actions.advisories import AdvisoryImport, import_advisories
from fleet.actions.audit import record
from fleet.actions.findings import PRESENT_STATES, Changes, Inventory, settle
from fleet.actions.services import ensure_environment, ensure_service
from fleet.claims import claims_by_package, claims_of, kept_problem
from fleet.inventory import ReportedInventory
from fleet.models import AuditReport, Component, Deployment, Environment, Finding, Service
from fleet.names import storable
from fleet.pip_audit_report import read_report
from fleet.selectors.dependencies import mirrored_ecosystems, package_advisories

__all__ = ["AdvisoryImport", "ReportReceipt", "import_advisories", "import_inventory", "import_pip_audit_report"]

_MOST_SOURCES: Final = 50
"""Sources of one service in one environment."""


class TooManySources(ValueError):
    """A service has so many sources of inventories that another one is a mistake."""


@dataclass(frozen=True, slots=True)
class ReportReceipt:
    """What became of a report."""

    report: AuditReport
    created: bool
    """False if the newest report of the place and source had the same content."""
    opened: int
    reopened: int
    fixed: int

    def as_json(self) -> dict[str, Any]:
        """The answer to the one who sent it."""
        return {
            "report": self.report.pk,
            "created": self.created,
            "service": self.report.service.name,
            "environment": self.report.environment.name,
            "format": self.report.format,
            "source": self.report.source,
            "components": self.report.components,
            "unknown": self.report.unknown,
            "findings": self.report.findings,
            "opened": self.opened,
            "reopened": self.reopened,
            "fixed": self.fixed,
        }


def import_pip_audit_report(
    *, service: str, environment: str, document: Any, actor: str, origin: str = Service.Origin.DISCOVERED
) -> ReportReceipt:
    """Take the JSON of `pip-audit -f json`, as `import_inventory` does. Raises InvalidReport also."""
    return import_inventory(
        service=service, environment=environment, inventory=read_report(document), actor=actor, origin=origin
    )


def import_inventory(
    *,
    service: str,
    environment: str,
    inventory: ReportedInventory,
    actor: str,
    source: str = "",
    version: str = "",
    origin: str = Service.Origin.DISCOVERED,
) -> ReportReceipt:
    """Take `inventory` as what runs in `environment`, matched against the mirror at once.

    It replaces the former one of the same `source` (its format, if none is named); those of other sources stay beside
    it. The same content again is the same report, seen anew. Raises InvalidName or TooManySources (both ValueError).
    """
    source = storable(source.strip() or inventory.format)[:100]
    with transaction.atomic():
        place = _locked(ensure_service(service, origin=origin)), ensure_environment(environment)
        report, created = _current_or_new(*place, inventory, source, storable(version.strip())[:200])
        components = _components(report, inventory) if created else list(report.component_set.all())
        others = list(_other_components(report))
        changes, changed = _settle_report(report, components, others)
        _store_components(components if created else (), changed)
        _count(report, components)
        if created:
            _note(report, changes, actor)
    return ReportReceipt(report, created, changes.opened, changes.reopened, changes.fixed)


def _locked(service: Service) -> Service:
    """One import for a service at a time, else two could open the same finding."""
    return Service.objects.select_for_update().get(pk=service.pk)


def _current_or_new(
    service: Service, environment: Environment, inventory: ReportedInventory, source: str, version: str
) -> tuple[AuditReport, bool]:
    reports = AuditReport.objects.filter(service=service, environment=environment, current=True)
    current = reports.filter(source=source).select_related("service", "environment").first()
    if current is not None and (current.sha256, current.version) == (inventory.sha256, version):
        current.received_at = timezone.now()
        return current, False
    if current is None and reports.count() >= _MOST_SOURCES:
        raise TooManySources(
            f"{service} in {environment} has {_MOST_SOURCES} sources of inventories, the most there may be"
        )
    reports.filter(source=source).update(current=False, replaced_at=timezone.now())
    deployed = Deployment.objects.filter(service=service, environment=environment)
    return AuditReport.objects.create(
        service=service,
        environment=environment,
        deployment=(deployed.filter(version=version) if version else deployed).first(),
        format=inventory.format,
        source=source,
        version=version,
        audited=inventory.audited,
        sha256=inventory.sha256,
    ), True


def _components(report: AuditReport, inventory: ReportedInventory) -> list[Component]:
    """One component a row, not yet stored."""
    return [
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


def _other_components(report: AuditReport) -> QuerySet[Component]:
    """What the other sources of the same place say, so that what they still name is not closed."""
    beside = Component.objects.filter(
        report__service=report.service_id, report__environment=report.environment_id, report__current=True
    )
    return beside.exclude(report=report.pk).select_related("report")


def _settle_report(
    report: AuditReport, components: Sequence[Component], others: Sequence[Component]
) -> tuple[Changes, list[Component]]:
    changes = Changes()
    everything = [*components, *others]
    inventory = Inventory(
        report.service_id,
        report.environment_id,
        everything,
        claims_by_package(
            ((each.ecosystem, each.name), claims_of(each.report.format, each.version, each.claims))
            for each in everything
        ),
        is_fresh=True,
        mirrored=mirrored_ecosystems(),
        deployment_id=report.deployment_id,
    )
    existing = Finding.objects.filter(service=report.service_id, environment=report.environment_id)
    changed = settle(inventory, package_advisories(inventory.packages), existing, changes, timezone.now())
    changes.save()
    return changes, changed


def _store_components(new: Sequence[Component], changed: Sequence[Component]) -> None:
    stored = [component for component in changed if component.pk is not None]
    Component.objects.bulk_update(stored, ["skip_reason"], batch_size=500)
    Component.objects.bulk_create(new, batch_size=1000)


def _count(report: AuditReport, components: Sequence[Component]) -> None:
    report.components = len(components)
    report.unknown = sum(1 for component in components if component.skip_reason)
    report.findings = Finding.objects.filter(
        service=report.service_id, environment=report.environment_id, state__in=PRESENT_STATES
    ).count()
    report.save(update_fields=["components", "unknown", "findings", "received_at"])


def _note(report: AuditReport, changes: Changes, actor: str) -> None:
    record(
        actor=actor,
        action="audit.imported",
        object_type="audit_report",
        object_id=str(report.pk),
        detail={
            "service": report.service.name,
            "environment": report.environment.name,
            "format": report.format,
            "source": report.source,
            "sha256": report.sha256,
            "components": report.components,
            "unknown": report.unknown,
            "opened": changes.opened,
            "reopened": changes.reopened,
            "fixed": changes.fixed,
        },
    )
