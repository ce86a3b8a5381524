"""Reads the JSON report of pip-audit; pure.

Form (pip-audit 2.x, `-f json`): {"dependencies": [{"name", "version", "vulns": [{"id", "fix_versions", "aliases",
"description"}]} | {"name", "skip_reason"}], "fixes": [...]}; version 1 wrote the bare list of dependencies.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from packageurl import PackageURL

from fleet.osv import MAX_ID, normalised_name

MAX_DEPENDENCIES: Final = 100_000
MAX_VULNERABILITIES: Final = 200_000
MAX_NAME: Final = 300
MAX_VERSION: Final = 200
MAX_REASON: Final = 500
ECOSYSTEM: Final = "PyPI"


class InvalidReport(ValueError):
    """The document is no report of pip-audit; the message says which part is not."""


@dataclass(frozen=True, slots=True)
class ReportedProblem:
    """One vulnerability as the report names it; `ids[0]` is its primary identifier."""

    ids: tuple[str, ...]
    fix_versions: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class ReportedDependency:
    """One row of the report. With a `skip_reason` it was not audited, so it is unknown."""

    name: str
    version: str
    skip_reason: str
    problems: tuple[ReportedProblem, ...]

    @property
    def purl(self) -> str:
        return str(PackageURL("pypi", None, self.name, self.version or None).to_string())


def read_report(document: Any) -> list[ReportedDependency]:
    """Every row of the report, in its order, names normalised. Raises InvalidReport."""
    rows = document.get("dependencies") if isinstance(document, Mapping) else document
    if not isinstance(rows, list):
        raise InvalidReport('the document has no list "dependencies"; expected the output of pip-audit -f json')
    if not rows:
        raise InvalidReport("the report has no dependencies: it would close every finding without having looked")
    if len(rows) > MAX_DEPENDENCIES:
        raise InvalidReport(f"the report has {len(rows)} dependencies; the limit is {MAX_DEPENDENCIES}")
    read = [_dependency(row, f"dependencies[{index}]") for index, row in enumerate(rows)]
    problems = sum(len(dependency.problems) for dependency in read)
    if problems > MAX_VULNERABILITIES:
        raise InvalidReport(f"the report names {problems} vulnerabilities; the limit is {MAX_VULNERABILITIES}")
    return read


def report_sha256(document: Any) -> str:
    """Hash that is the same for the same content, however it was written down."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _dependency(row: Any, where: str) -> ReportedDependency:
    if not isinstance(row, Mapping):
        raise InvalidReport(f"{where} is not an object")
    name, version = _text(row, "name", where), _text(row, "version", where)
    if not name:
        raise InvalidReport(f"{where} has no name")
    return ReportedDependency(
        name=normalised_name(ECOSYSTEM, name)[:MAX_NAME],
        version=version[:MAX_VERSION],
        skip_reason=_skip_reason(row, where, name, version),
        problems=tuple(_problem(each, f"{where}.vulns[{at}]") for at, each in enumerate(_list(row, "vulns", where))),
    )


def _skip_reason(row: Mapping[str, Any], where: str, name: str, version: str) -> str:
    """Why the row is unknown, '' if it was audited. A row that we cannot hold as it is counts as unknown too."""
    if len(name) > MAX_NAME:
        return f"its name has {len(name)} characters; the limit is {MAX_NAME}"
    if len(version) > MAX_VERSION:
        return f"its version has {len(version)} characters; the limit is {MAX_VERSION}"
    if reason := _text(row, "skip_reason", where):
        return reason[:MAX_REASON]
    return "" if version else "the report gives no version"


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
