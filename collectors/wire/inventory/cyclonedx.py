"""Reads CycloneDX BOMs in JSON, 1.2 to 1.7, with the vulnerabilities and VEX decisions inside; pure.

Source: https://cyclonedx.org/docs/1.6/json/
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from collectors.wire.inventory.rows import (
    an_object,
    objects,
    plain_row,
    problem_ids,
    purl_row,
    score_severity,
    summary,
    text,
    texts,
    vector_severity,
)
from fleet.inventory import NO_ANALYSIS, Analysis, InvalidReport, ReportedComponent, ReportedProblem, component
from fleet.osv import highest_severity, normalised_name

VERSIONS: Final = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
_PACKAGE_TYPES: Final = frozenset({"application", "framework", "library", "container", "operating-system", ""})
_BOM_LINK: Final = "urn:cdx:"


def read_cyclonedx(document: Mapping[str, Any]) -> list[ReportedComponent]:
    """One row a component, nested ones too; vulnerabilities that affect no component here are rows of their own."""
    version = text(document, "specVersion", "")
    if version not in VERSIONS:
        raise InvalidReport(
            f"CycloneDX {version or 'without specVersion'} is not read; there are {', '.join(VERSIONS)}"
        )
    problems, loose = _problems(document)
    rows = []
    for given, where in _components(document):
        refs = {text(given, "bom-ref", where), text(given, "purl", where)} - {""}
        found = [problem for ref in sorted(refs) for problem in problems.get(ref, ())]
        rows.append(_row(given, where, list(dict.fromkeys(found))))
        for ref in refs:
            loose.pop(ref, None)
    return [*rows, *_loose_rows(loose)]


def _components(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """(component, where it stands), depth first; the main component itself is the service and no row."""
    main = an_object(an_object(document.get("metadata"), "metadata").get("component"), "metadata.component")
    waiting = [*_placed(document, ""), *_placed(main, "metadata.component.")][::-1]
    while waiting:
        given, where = waiting.pop()
        yield given, where
        waiting += _placed(given, where)[::-1]


def _placed(holder: Mapping[str, Any], where: str) -> list[tuple[Mapping[str, Any], str]]:
    listed = objects(holder, "components", where)
    return [(given, f"{where}components[{index}].") for index, given in enumerate(listed)]


def _row(given: Mapping[str, Any], where: str, problems: list[ReportedProblem]) -> ReportedComponent:
    kind, name = text(given, "type", where), text(given, "name", where)
    if not name:
        raise InvalidReport(f"{where}name is missing")
    group, version, purl = text(given, "group", where), text(given, "version", where), text(given, "purl", where)
    if purl:
        return purl_row(purl, name, version, problems=problems)
    if any(problem.ids[0].startswith("PYSEC-") for problem in problems):
        # pip-audit writes no package URLs; these advisories are about packages of PyPI only.
        return plain_row("PyPI", normalised_name("PyPI", name), version, problems=problems)
    reason = "" if kind in _PACKAGE_TYPES else f"a component of type {kind[:50]!r} is no package"
    return component("", f"{group}/{name}" if group else name, version, skip_reason=reason, problems=problems)


def _problems(document: Mapping[str, Any]) -> tuple[dict[str, list[ReportedProblem]], dict[str, list[ReportedProblem]]]:
    """(problems by the reference they affect; the same by reference, to be struck off as they are found)."""
    by_ref: dict[str, list[ReportedProblem]] = defaultdict(list)
    for index, given in enumerate(objects(document, "vulnerabilities", "")):
        where = f"vulnerabilities[{index}]."
        problem = _problem(given, where)
        refs = [text(each, "ref", f"{where}affects.") for each in objects(given, "affects", where)]
        for ref in refs or [""]:
            by_ref[_local(ref)].append(problem)
    return by_ref, dict(by_ref)


def _local(ref: str) -> str:
    """The part of a BOM link behind its #, which is the reference inside the BOM it points to."""
    return ref.partition("#")[2] if ref.startswith(_BOM_LINK) and "#" in ref else ref


def _problem(given: Mapping[str, Any], where: str) -> ReportedProblem:
    references = [text(each, "id", f"{where}references.") for each in objects(given, "references", where)]
    ratings = objects(given, "ratings", where)
    vectors = vector_severity(text(each, "vector", f"{where}ratings.") for each in ratings)
    scores = highest_severity(score_severity(each.get("score")) for each in ratings)
    name = text(given, "id", where) or next(iter(filter(None, references)), "") or text(given, "bom-ref", where)
    return ReportedProblem(
        ids=problem_ids([name, *references], where.rstrip(".")),
        description=summary(text(given, "description", where) or text(given, "detail", where)),
        severity=vectors if vectors.score is not None else scores,
        analysis=_analysis(an_object(given.get("analysis"), f"{where}analysis"), f"{where}analysis."),
    )


def _analysis(given: Mapping[str, Any], where: str) -> Analysis:
    if not given:
        return NO_ANALYSIS
    responses = ", ".join(texts(given, "response", where))
    detail = ": ".join(filter(None, (responses, text(given, "detail", where))))
    return Analysis(text(given, "state", where)[:50], text(given, "justification", where)[:100], summary(detail))


def _loose_rows(loose: Mapping[str, list[ReportedProblem]]) -> Iterator[ReportedComponent]:
    """Rows of references that no component here has: a package URL says what is meant, anything else is unknown."""
    for ref, problems in loose.items():
        if ref.startswith("pkg:"):
            yield purl_row(ref, ref, "", problems=problems)
        else:
            reason = "a vulnerability affects it, but no component of the file has this reference"
            yield component("", ref or problems[0].ids[0], "", skip_reason=reason, problems=problems)
