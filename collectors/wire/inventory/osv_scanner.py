"""Reads the JSON of osv-scanner, versions 1 and 2; pure. Source: https://google.github.io/osv-scanner/output/

Form: {"results": [{"source"|"packageSource": {...}, "packages": [{"package": {"name", "version", "ecosystem"},
"vulnerabilities": [OSV records], "groups": [{"ids", "aliases"}]}]}]}.
"""

from collections.abc import Mapping
from typing import Any

from collectors.wire.inventory.rows import an_object, objects, plain_row, problem_ids, summary, text, texts
from fleet.inventory import InvalidReport, ReportedComponent, ReportedProblem, component
from fleet.osv import InvalidRecord, normalised_name, read_record
from fleet.packages import purl_of


def read_osv_scanner(document: Mapping[str, Any]) -> list[ReportedComponent]:
    """One row a package of a source; a package that stands for a commit is unknown."""
    rows = []
    for index, result in enumerate(objects(document, "results", "")):
        _check_source(result, f"results[{index}]")
        for at, entry in enumerate(objects(result, "packages", f"results[{index}].")):
            rows.append(_row(entry, f"results[{index}].packages[{at}]."))
    return rows


def _check_source(result: Mapping[str, Any], where: str) -> None:
    for key in ("packageSource", "source"):
        an_object(result.get(key), f"{where}.{key}")


def _row(entry: Mapping[str, Any], where: str) -> ReportedComponent:
    package = an_object(entry.get("package"), f"{where}package")
    ecosystem, version = text(package, "ecosystem", where), text(package, "version", where)
    name = normalised_name(ecosystem, text(package, "name", where))
    problems = _problems(entry, where)
    if not name:
        commit = text(package, "commit", where)
        reason = "it is a commit; commits are not compared" if commit else "it has no name"
        return component("", commit or "unnamed", version, skip_reason=reason, problems=problems)
    if purl_of(ecosystem, name, version):
        return plain_row(ecosystem, name, version, problems=problems)
    return component(ecosystem, name, version, problems=problems)


def _problems(entry: Mapping[str, Any], where: str) -> list[ReportedProblem]:
    groups = [
        {*texts(group, "ids", f"{where}groups."), *texts(group, "aliases", f"{where}groups.")}
        for group in objects(entry, "groups", where)
    ]
    return [_problem(given, groups, where) for given in objects(entry, "vulnerabilities", where)]


def _problem(given: Mapping[str, Any], groups: list[set[str]], where: str) -> ReportedProblem:
    try:
        record = read_record(given)
    except InvalidRecord as error:
        raise InvalidReport(f"{where}vulnerabilities: {error}") from error
    same = sorted(name for group in groups if record.osv_id in group for name in group)
    return ReportedProblem(
        ids=problem_ids([*record.ids, *same], where),
        fix_versions=tuple(_fixes(given, where)),
        description=summary(record.summary),
        severity=record.severity,
    )


def _fixes(given: Mapping[str, Any], where: str) -> list[str]:
    events = [
        event
        for affected in objects(given, "affected", where)
        for each in objects(affected, "ranges", where)
        if each.get("type") != "GIT"
        for event in objects(each, "events", where)
    ]
    return list(dict.fromkeys(filter(None, (text(event, "fixed", where) for event in events))))
