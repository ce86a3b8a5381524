"""Reads SARIF 2.1.0; pure. Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

One row a result. A result that names a published problem and says of which package is a problem of that package;
every other result (findings in code, secrets) names no package and is a row that is unknown.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from collectors.wire.inventory.rows import (
    an_object,
    objects,
    problem_ids,
    purl_row,
    score_severity,
    summary,
    text,
)
from fleet.inventory import InvalidReport, ReportedComponent, ReportedProblem, component
from fleet.osv import NO_SEVERITY, Severity

VERSION: Final = "2.1.0"
_PUBLISHED: Final = re.compile(r"(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|PYSEC-\d{4}-\d+|(?:RUSTSEC|GO)-\d{4}-\d+)")
_PURL: Final = re.compile(r"pkg:[a-z][a-z0-9.+-]*/[^\s\"'<>,;)\]]+")
_NUMBER: Final = re.compile(r"\d{1,2}(?:\.\d+)?")
_PURL_KEYS: Final = ("purl", "packageUrl", "purls")
_Rules = Mapping[str, Mapping[str, Any]]


def read_sarif(document: Mapping[str, Any]) -> list[ReportedComponent]:
    """Raises InvalidReport for another version, since results stand elsewhere in those."""
    version = text(document, "version", "")
    if version != VERSION:
        raise InvalidReport(f"SARIF {version or 'without version'} is not read; there is {VERSION}")
    rows = []
    for index, run in enumerate(objects(document, "runs", "")):
        where = f"runs[{index}]."
        driver = an_object(an_object(run.get("tool"), f"{where}tool").get("driver"), f"{where}tool.driver")
        rules = {str(rule.get("id")): rule for rule in objects(driver, "rules", f"{where}tool.driver.")}
        tool = text(driver, "name", where) or "an unnamed tool"
        for at, result in enumerate(objects(run, "results", where)):
            rows.append(_row(result, tool, rules, f"{where}results[{at}]."))
    return rows


def _row(result: Mapping[str, Any], tool: str, rules: _Rules, where: str) -> ReportedComponent:
    rule_id = text(result, "ruleId", where) or text(an_object(result.get("rule"), f"{where}rule"), "id", where)
    rule = rules.get(rule_id, {})
    ids = _PUBLISHED.findall(rule_id)
    message = text(an_object(result.get("message"), f"{where}message"), "text", where)
    if not ids:
        name = " ".join(filter(None, (rule_id or "unnamed rule", _place(result, where))))
        reason = f"a result of {tool[:100]} about code, not about a package: {summary(message)[:200]}"
        return component("", name[:300], "", skip_reason=reason.rstrip(": "))
    problem = ReportedProblem(
        ids=problem_ids(ids, where),
        description=summary(_description(rule, where) or message),
        severity=_severity(result, rule),
    )
    if purl := _purl(result, rule, message):
        return purl_row(purl, purl, "", problems=[problem])
    reason = f"{tool[:100]} does not say which package {ids[0]} is about (no package URL)"
    return component("", f"{ids[0]} {_place(result, where)}".strip()[:300], "", skip_reason=reason)


def _place(result: Mapping[str, Any], where: str) -> str:
    for location in objects(result, "locations", where):
        physical = an_object(location.get("physicalLocation"), f"{where}physicalLocation")
        artifact = an_object(physical.get("artifactLocation"), f"{where}artifactLocation")
        line = an_object(physical.get("region"), f"{where}region").get("startLine")
        if uri := text(artifact, "uri", where):
            return f"{uri}:{line}" if isinstance(line, int) else uri
    return ""


def _description(rule: Mapping[str, Any], where: str) -> str:
    return text(an_object(rule.get("shortDescription"), where), "text", where)


def _purl(result: Mapping[str, Any], rule: Mapping[str, Any], message: str) -> str:
    for holder in (result, rule):
        properties = _properties(holder)
        for key in _PURL_KEYS:
            value = properties.get(key)
            first = value[0] if isinstance(value, list) and value else value
            if isinstance(first, str) and first.startswith("pkg:"):
                return first
    found = _PURL.search(message)
    return found.group() if found else ""


def _properties(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    given = holder.get("properties")
    return given if isinstance(given, dict) else {}


def _severity(result: Mapping[str, Any], rule: Mapping[str, Any]) -> Severity:
    """`security-severity`, a score of CVSS that code scanning reads from the properties of the rule."""
    for holder in (result, rule):
        given = _properties(holder).get("security-severity")
        if isinstance(given, (str, int, float)) and _NUMBER.fullmatch(str(given)):
            return score_severity(float(given))
    return NO_SEVERITY
