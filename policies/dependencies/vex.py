"""Decisions about findings in the words of others: a CycloneDX 1.6 document that holds vulnerabilities with analyses.

States and justifications: https://cyclonedx.org/docs/1.6/json/#vulnerabilities_items_analysis
"""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from packageurl import PackageURL

from fleet.models import Finding

STATES: Final = {
    Finding.State.OPEN: "exploitable",
    Finding.State.UNDER_INVESTIGATION: "in_triage",
    Finding.State.ACCEPTED: "exploitable",
    Finding.State.NOT_AFFECTED: "not_affected",
    Finding.State.FALSE_POSITIVE: "false_positive",
    Finding.State.FIXED: "resolved",
}
"""Open is said to be exploitable, not under triage: nobody has said that it is not."""

_PURL_TYPES: Final = {"PyPI": "pypi", "npm": "npm", "Go": "golang", "Maven": "maven", "crates.io": "cargo"}


def vex_document(
    service: str, environment: str, findings: Iterable[Finding], now: datetime, identity: uuid.UUID
) -> dict[str, Any]:
    """The document for one service in one environment; `identity` is its serial number."""
    rows = sorted(findings, key=lambda row: (row.package, row.advisory_id, row.pk))
    subject = f"service:{service}/{environment}"
    references = {_reference(row): _component(row) for row in rows}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{identity}",
        "version": 1,
        "metadata": {
            "timestamp": _time(now),
            "component": {"type": "application", "name": service, "group": environment, "bom-ref": subject},
        },
        "components": list(references.values()),
        "vulnerabilities": [_vulnerability(row) for row in rows],
    }


def _component(row: Finding) -> dict[str, Any]:
    component = {"type": "library", "name": row.package, "version": row.version, "bom-ref": _reference(row)}
    kind = _PURL_TYPES.get(row.ecosystem)
    if kind == "pypi" and ", " not in row.version:
        component["purl"] = str(PackageURL(kind, None, row.package, row.version))
    return component


def _reference(row: Finding) -> str:
    return f"{row.ecosystem}/{row.package}@{row.version}"


def _vulnerability(row: Finding) -> dict[str, Any]:
    analysis: dict[str, Any] = {"state": STATES[Finding.State(row.state)]}
    if row.justification:
        analysis["justification"] = row.justification
    if row.state == Finding.State.ACCEPTED:
        analysis["response"] = ["will_not_fix"]
    if row.reason:
        analysis["detail"] = row.reason
    if row.decided_at:
        analysis["lastUpdated"] = _time(row.decided_at)
    found: dict[str, Any] = {
        "id": row.advisory_id,
        "references": [{"id": each, "source": {"name": each.partition("-")[0]}} for each in row.other_ids],
        "description": row.summary,
        "analysis": analysis,
        "affects": [{"ref": _reference(row)}],
    }
    if row.severity_score is not None:
        found["ratings"] = [{"score": row.severity_score, "severity": row.severity_word}]
    if row.fix_versions:
        found["recommendation"] = f"Move to {', '.join(row.fix_versions)}."
    return found


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
