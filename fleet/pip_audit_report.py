"""Reads the JSON report of pip-audit; pure.

Form (pip-audit 2.x, `-f json`): {"dependencies": [{"name", "version", "vulns": [{"id", "fix_versions", "aliases",
"description"}]} | {"name", "skip_reason"}], "fixes": [...]}; version 1 wrote the bare list of dependencies.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from fleet.inventory import (
    InvalidReport,
    ReportedComponent,
    ReportedInventory,
    ReportedProblem,
    check_counts,
    component,
)
from fleet.osv import MAX_ID, normalised_name
from fleet.packages import purl_of

FORMAT: Final = "pip-audit"
ECOSYSTEM: Final = "PyPI"


def read_report(document: Any) -> ReportedInventory:
    """Every row of the report, in its order, names normalised. Raises InvalidReport."""
    rows = document.get("dependencies") if isinstance(document, Mapping) else document
    if not isinstance(rows, list):
        raise InvalidReport('the document has no list "dependencies"; expected the output of pip-audit -f json')
    if not rows:
        raise InvalidReport("the report has no dependencies: it would close every finding without having looked")
    read = tuple(_dependency(row, f"dependencies[{index}]") for index, row in enumerate(rows))
    check_counts(read)
    return ReportedInventory(FORMAT, read, report_sha256(document), audited=True)


def report_sha256(document: Any) -> str:
    """Hash that is the same for the same content, however it was written down."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _dependency(row: Any, where: str) -> ReportedComponent:
    if not isinstance(row, Mapping):
        raise InvalidReport(f"{where} is not an object")
    name, version = _text(row, "name", where), _text(row, "version", where)
    if not name:
        raise InvalidReport(f"{where} has no name")
    normal = normalised_name(ECOSYSTEM, name)
    return component(
        ECOSYSTEM,
        normal,
        version,
        purl=purl_of(ECOSYSTEM, normal, version),
        skip_reason=_text(row, "skip_reason", where) or ("" if version else "the report gives no version"),
        problems=[_problem(each, f"{where}.vulns[{at}]") for at, each in enumerate(_list(row, "vulns", where))],
    )


def _problem(given: Any, where: str) -> ReportedProblem:
    if not isinstance(given, Mapping):
        raise InvalidReport(f"{where} is not an object")
    ids = tuple(dict.fromkeys([_text(given, "id", where), *_texts(given, "aliases", where)]))
    if not ids[0]:
        raise InvalidReport(f"{where} has no id")
    if longest := max(len(name) for name in ids) if max(len(name) for name in ids) > MAX_ID else 0:
        raise InvalidReport(f"{where} has an identifier of {longest} characters; the limit is {MAX_ID}")
    return ReportedProblem(ids, tuple(_texts(given, "fix_versions", where)), _text(given, "description", where))


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidReport(f"{where}.{key} is not text")
    return value.replace("\x00", "").strip()


def _list(row: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = row.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidReport(f"{where}.{key} is not a list")
    return value


def _texts(row: Mapping[str, Any], key: str, where: str) -> list[str]:
    values = _list(row, key, where)
    if not all(isinstance(value, str) for value in values):
        raise InvalidReport(f"{where}.{key} is not a list of texts")
    return [value.replace("\x00", "").strip() for value in values]
