"""Tells the format of an inventory or scan by what it holds, and reads it; pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from collectors.wire.inventory.cyclonedx import read_cyclonedx
from collectors.wire.inventory.lock_files import read_package_lock, read_pipfile_lock, read_toml_lock
from collectors.wire.inventory.npm_audit import read_npm_audit
from collectors.wire.inventory.osv_scanner import read_osv_scanner
from collectors.wire.inventory.requirements import read_requirements
from collectors.wire.inventory.sarif import read_sarif
from collectors.wire.inventory.spdx import read_spdx
from collectors.wire.inventory.trivy import read_trivy
from collectors.wire.json_document import parse_shallow_json
from collectors.wire.limits import DecodeLimits
from fleet.inventory import InvalidReport, ReportedComponent, ReportedInventory, check_counts, content_sha256
from fleet.pip_audit_report import read_report

FORMATS: Final = (
    "CycloneDX JSON, SPDX 2.3 JSON, the JSON of pip-audit, osv-scanner, Trivy and npm audit, SARIF 2.1.0, "
    "requirements.txt, poetry.lock, uv.lock, pylock.toml, Pipfile.lock, package-lock.json"
)
_Read = Callable[[Mapping[str, Any]], list[ReportedComponent]]
_JSON: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], bool], _Read], ...]] = (
    ("cyclonedx", lambda given: given.get("bomFormat") == "CycloneDX", read_cyclonedx),
    ("spdx", lambda given: "spdxVersion" in given, read_spdx),
    ("sarif", lambda given: "runs" in given, read_sarif),
    ("trivy", lambda given: "SchemaVersion" in given and ("Results" in given or "ArtifactName" in given), read_trivy),
    ("npm-audit", lambda given: "auditReportVersion" in given or "advisories" in given, read_npm_audit),
    ("package-lock", lambda given: "lockfileVersion" in given, read_package_lock),
    ("pipfile", lambda given: "_meta" in given and "default" in given, read_pipfile_lock),
    ("osv-scanner", lambda given: isinstance(given.get("results"), list) and "metrics" not in given, read_osv_scanner),
)
_AUDITED: Final = frozenset({"sarif", "trivy", "npm-audit", "osv-scanner"})
_MAY_BE_EMPTY: Final = _AUDITED
"""Scanners name only what they found: nothing is a result. An inventory without a row is a mistake."""


def read_inventory(body: bytes, limits: DecodeLimits) -> ReportedInventory:
    """What `body` says. Raises InvalidReport, InvalidInput or LimitExceeded, each naming what is wrong."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<":
        raise InvalidReport(
            "XML is not read, since it is the one form that can hurt its reader; send CycloneDX as JSON"
        )
    if start in (b"{", b"[") and not body.lstrip().startswith(b"[["):
        return _read_json(body.removeprefix(b"\xef\xbb\xbf"), limits)
    return _read_text(body)


def _read_json(body: bytes, limits: DecodeLimits) -> ReportedInventory:
    document = parse_shallow_json(body, limits)
    if isinstance(document, dict):
        for format_, is_it, read in _JSON:
            if is_it(document):
                return _inventory(format_, read(document))
        if "dependencies" not in document:
            raise InvalidReport(f'the format is not recognised (no list "dependencies"); there are {FORMATS}')
    return read_report(document)


def _read_text(body: bytes) -> ReportedInventory:
    try:
        content = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidReport(f"the file is not text in UTF-8: byte {error.start}") from error
    if "[[package" in content:
        return _inventory(*read_toml_lock(content))
    return _inventory("requirements", read_requirements(content))


def _inventory(format_: str, rows: list[ReportedComponent]) -> ReportedInventory:
    if not rows and format_ not in _MAY_BE_EMPTY:
        raise InvalidReport("the file names no components: it would close every finding without having looked")
    check_counts(rows)
    return ReportedInventory(format_, tuple(rows), content_sha256(format_, rows), audited=format_ in _AUDITED)
