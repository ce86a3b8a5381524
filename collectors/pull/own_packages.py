"""Belvedere's own installed packages, audited like those of any other service."""

from importlib.metadata import distributions
from typing import Any, Final

from django.db.models import F

from collectors.pull.osv_server import osv_server
from collectors.pull.pip_audit import AuditFailed, AuditSource, run_pip_audit
from fleet.actions.dependencies import ReportReceipt, import_pip_audit_report
from fleet.jobs import JobRun, enqueue, job
from fleet.models import AuditReport, Job, Service
from fleet.selectors.dependencies import mirror_is_empty

AUDIT_OWN: Final = "audits.own_packages"
"""Kind of the job."""

OWN_SERVICE: Final = "belvedere"
OWN_ENVIRONMENT: Final = "local"
NO_ADVISORIES: Final = "no advisories loaded; `belvedere import advisories` loads them"


@job(AUDIT_OWN)
def audit_own_packages(run: JobRun) -> str:
    """Job: let the unmodified pip-audit ask our own OSV API about every package of this interpreter.

    Where nothing can be known, every package is stored as unknown: while no advisories are loaded, and when the first
    run fails. A later failure leaves the last good report in place, which is still matched against the mirror.
    """
    if mirror_is_empty():
        return _sentence(_imported(unknown_report(NO_ADVISORIES)))
    run.progress(0.1, "pip-audit runs")
    try:
        with osv_server() as url:
            document = run_pip_audit(AuditSource(), osv_url=url)
    except AuditFailed as error:
        if not AuditReport.objects.filter(service__name=OWN_SERVICE, current=True).exists():
            _imported(unknown_report(str(error)))
        raise
    return _sentence(_imported(document))


def audit_own_if_unknown() -> None:
    """Queue the audit if it could say nothing so far: advisories that have just come may change that."""
    own = AuditReport.objects.filter(service__name=OWN_SERVICE, current=True, unknown__gt=0)
    waiting = Job.objects.filter(kind=AUDIT_OWN, state=Job.State.QUEUED)
    if own.filter(unknown=F("components")).exists() and not waiting.exists():
        enqueue(AUDIT_OWN)


def _imported(document: dict[str, Any]) -> ReportReceipt:
    return import_pip_audit_report(
        service=OWN_SERVICE,
        environment=OWN_ENVIRONMENT,
        document=document,
        actor="system",
        origin=Service.Origin.SELF,
    )


def _sentence(receipt: ReportReceipt) -> str:
    report = receipt.report
    return f"{report.components} packages, {report.unknown} unknown, {report.findings} findings"


def unknown_report(reason: str) -> dict[str, Any]:
    """Every installed package, skipped for `reason`."""
    installed = {(each.metadata["Name"], each.version) for each in distributions() if each.metadata["Name"]}
    return {
        "dependencies": [
            {"name": name, "version": version, "skip_reason": reason} for name, version in sorted(installed)
        ],
        "fixes": [],
    }
