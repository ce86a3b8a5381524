"""Reads `npm audit --json` of npm 7 and later and of npm 6; pure. Source: the npm documentation, "npm audit"

npm 7: {"auditReportVersion": 2, "vulnerabilities": {NAME: {"via": [{...}|NAME], "nodes", "range", ...}}}; the file
names ranges and no installed version. npm 6: {"advisories": {ID: {"module_name", "findings": [{"version"}], ...}}}.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from collectors.wire.inventory.rows import (
    an_object,
    objects,
    plain_row,
    problem_ids,
    score_severity,
    summary,
    text,
    texts,
    vector_severity,
)
from fleet.inventory import InvalidReport, ReportedComponent, ReportedProblem
from fleet.osv import Severity

_GHSA: Final = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}")
_NO_VERSION: Final = "npm audit names no installed version; send package-lock.json beside it"


def read_npm_audit(document: Mapping[str, Any]) -> list[ReportedComponent]:
    """One row a package that is named for itself; packages named for what they depend on are rows without a problem."""
    if "auditReportVersion" in document:
        named = an_object(document.get("vulnerabilities"), "vulnerabilities")
        return [_row(name, an_object(entry, name), f"vulnerabilities[{name[:80]!r}].") for name, entry in named.items()]
    given = an_object(document.get("advisories"), "advisories")
    return [row for key, each in given.items() for row in _old_rows(key, an_object(each, key), f"advisories[{key!r}].")]


def _row(name: str, entry: Mapping[str, Any], where: str) -> ReportedComponent:
    via = entry.get("via")
    if via is not None and not isinstance(via, list):
        raise InvalidReport(f"{where}via is not a list")
    problems = [_problem(given, where) for given in via or () if isinstance(given, dict)]
    return plain_row("npm", name, "", skip_reason=_NO_VERSION, problems=problems)


def _problem(given: Mapping[str, Any], where: str) -> ReportedProblem:
    found = _GHSA.search(text(given, "url", where))
    name = found.group() if found else f"npm:{given.get('source', '')}"
    return ReportedProblem(
        ids=problem_ids([name], where),
        description=summary(text(given, "title", where)),
        severity=_severity(given, where),
    )


def _old_rows(key: str, given: Mapping[str, Any], where: str) -> list[ReportedComponent]:
    found = _GHSA.search(text(given, "url", where)) or _GHSA.search(text(given, "github_advisory_id", where))
    patched = text(given, "patched_versions", where)
    problem = ReportedProblem(
        ids=problem_ids([found.group() if found else f"npm:{key}", *texts(given, "cves", where)], where),
        fix_versions=(patched.removeprefix(">="),) if re.fullmatch(r">=[0-9][\w.+-]*", patched) else (),
        description=summary(text(given, "title", where)),
        severity=_severity(given, where),
    )
    versions = dict.fromkeys(text(each, "version", where) for each in objects(given, "findings", where))
    return [plain_row("npm", text(given, "module_name", where), version, problems=[problem]) for version in versions]


def _severity(given: Mapping[str, Any], where: str) -> Severity:
    cvss = an_object(given.get("cvss"), f"{where}cvss")
    scored = vector_severity([text(cvss, "vectorString", where)])
    return scored if scored.score is not None else score_severity(cvss.get("score") or None)
