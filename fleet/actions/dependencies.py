"""Audit reports come in and become components and findings."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from fleet.actions.advisories import AdvisoryImport, import_advisories
from fleet.actions.audit import record
from fleet.actions.findings import PRESENT_STATES, Changes, Inventory, settle
from fleet.actions.services import ensure_environment, ensure_service
from fleet.models import AuditReport, Component, Deployment, Environment, Finding, Service
from fleet.observations import Claim
from fleet.pip_audit_report import ECOSYSTEM, ReportedDependency, read_report, report_sha256
from fleet.selectors.dependencies import Package, package_advisories

__all__ = ["AdvisoryImport", "ReportReceipt", "import_advisories", "import_pip_audit_report"]

PIP_AUDIT: Final = "pip-audit"
_SUMMARY_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class ReportReceipt:
    """What became of a report."""

    report: AuditReport
    created: bool
    """False if the newest report of the place had the same content."""
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
    """Take the JSON of `pip-audit -f json` as what runs in `environment`, matched against the mirror at once.

    The same content again is the same report, seen anew. Raises InvalidReport or InvalidName (both ValueError).
    """
    dependencies = read_report(document)
    digest = report_sha256(document)
    with transaction.atomic():
        place = _locked(ensure_service(service, origin=origin)), ensure_environment(environment)
        report, created = _current_or_new(*place, digest)
        components = _components(report, dependencies) if created else list(report.component_set.all())
        changes, undecided = _settle_report(report, components, dependencies)
        _store_components(components if created else undecided, created)
        _count(report, components)
        if created:
            _note(report, changes, actor)
    return ReportReceipt(report, created, changes.opened, changes.reopened, changes.fixed)


def _locked(service: Service) -> Service:
    """One import for a service at a time, else two could open the same finding."""
    return Service.objects.select_for_update().get(pk=service.pk)


def _current_or_new(service: Service, environment: Environment, digest: str) -> tuple[AuditReport, bool]:
    reports = AuditReport.objects.filter(service=service, environment=environment, current=True)
    current = reports.select_related("service", "environment").first()
    if current is not None and current.sha256 == digest:
        current.received_at = timezone.now()
        return current, False
    reports.update(current=False)
    deployment = Deployment.objects.filter(service=service, environment=environment).first()
    return AuditReport.objects.create(
        service=service,
        environment=environment,
        deployment=deployment,
        format=AuditReport.Format.PIP_AUDIT,
        sha256=digest,
    ), True


def _components(report: AuditReport, dependencies: Sequence[ReportedDependency]) -> list[Component]:
    """One component a row, not yet stored."""
    return [
        Component(
            report=report,
            ecosystem=ECOSYSTEM,
            name=dependency.name,
            version=dependency.version,
            purl=dependency.purl[:600],
            skip_reason=dependency.skip_reason,
        )
        for dependency in dependencies
    ]


def _settle_report(
    report: AuditReport, components: Sequence[Component], dependencies: Sequence[ReportedDependency]
) -> tuple[Changes, list[Component]]:
    changes = Changes()
    inventory = Inventory(
        report.service_id,
        report.environment_id,
        components,
        _claims(dependencies),
        is_fresh=True,
        deployment_id=report.deployment_id,
    )
    existing = Finding.objects.filter(service=report.service_id, environment=report.environment_id)
    undecided = settle(inventory, package_advisories(inventory.packages), existing, changes, timezone.now())
    changes.save()
    return changes, undecided


def _claims(dependencies: Sequence[ReportedDependency]) -> dict[Package, list[Claim]]:
    claims: dict[Package, list[Claim]] = defaultdict(list)
    for dependency in dependencies:
        claims[ECOSYSTEM, dependency.name] += [
            Claim(
                scanner=PIP_AUDIT,
                version=dependency.version,
                ids=problem.ids,
                summary=" ".join(problem.description.split())[:_SUMMARY_LENGTH],
                fix_versions=problem.fix_versions,
            )
            for problem in dependency.problems
        ]
    return claims


def _store_components(components: Sequence[Component], created: bool) -> None:
    if created:
        Component.objects.bulk_create(components, batch_size=1000)
    else:
        Component.objects.bulk_update(components, ["skip_reason"], batch_size=500)


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
            "sha256": report.sha256,
            "components": report.components,
            "unknown": report.unknown,
            "opened": changes.opened,
            "reopened": changes.reopened,
            "fixed": changes.fixed,
        },
    )
