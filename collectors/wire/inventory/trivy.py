"""Reads the JSON of Trivy; pure. Source: https://trivy.dev/latest/docs/configuration/reporting/#json

Form: {"SchemaVersion": 2, "Results": [{"Target", "Class", "Type", "Packages": [...]|null,
"Vulnerabilities": [...]|null}]|null}. Without --list-all-pkgs only packages with a problem are named.
"""

from collections import defaultdict
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
    vector_severity,
)
from fleet.inventory import ReportedComponent, ReportedProblem, component
from fleet.osv import Severity, highest_severity, normalised_name

_TYPES: Final = {
    "pip": "PyPI", "pipenv": "PyPI", "poetry": "PyPI", "uv": "PyPI", "python-pkg": "PyPI", "conda-pkg": "",
    "npm": "npm", "yarn": "npm", "pnpm": "npm", "node-pkg": "npm", "gomod": "Go", "gobinary": "Go", "jar": "Maven",
    "pom": "Maven", "gradle": "Maven", "cargo": "crates.io", "rustbinary": "crates.io", "bundler": "RubyGems",
    "gemspec": "RubyGems", "nuget": "NuGet", "dotnet-core": "NuGet", "composer": "Packagist", "hex": "Hex",
    "pub": "Pub", "debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine",
}  # fmt: skip
_Key = tuple[str, str]


def read_trivy(document: Mapping[str, Any]) -> list[ReportedComponent]:
    """One row a package; results that are no packages (secrets, misconfigurations) have none."""
    return [
        row
        for index, result in enumerate(objects(document, "Results", ""))
        for row in _rows(result, f"Results[{index}].")
    ]


def _rows(result: Mapping[str, Any], where: str) -> list[ReportedComponent]:
    ecosystem = _TYPES.get(text(result, "Type", where), "")
    problems: dict[_Key, list[ReportedProblem]] = defaultdict(list)
    named: dict[_Key, str] = {}
    for index, given in enumerate(objects(result, "Vulnerabilities", where)):
        place = f"{where}Vulnerabilities[{index}]."
        key = text(given, "PkgName", place), text(given, "InstalledVersion", place)
        problems[key].append(_problem(given, place))
        named.setdefault(key, _purl(given, "PkgIdentifier", place))
    for index, given in enumerate(objects(result, "Packages", where)):
        place = f"{where}Packages[{index}]."
        key = text(given, "Name", place), text(given, "Version", place)
        named[key] = _purl(given, "Identifier", place) or named.get(key, "")
    return [_row(ecosystem, key, purl, problems.get(key, [])) for key, purl in named.items()]


def _purl(given: Mapping[str, Any], key: str, where: str) -> str:
    return text(an_object(given.get(key), f"{where}{key}"), "PURL", where)


def _row(ecosystem: str, key: _Key, purl: str, problems: list[ReportedProblem]) -> ReportedComponent:
    name, version = key
    if purl:
        return purl_row(purl, name, version, problems=problems)
    return component(ecosystem, normalised_name(ecosystem, name) or "unnamed", version, problems=problems)


def _problem(given: Mapping[str, Any], where: str) -> ReportedProblem:
    fixed = text(given, "FixedVersion", where)
    return ReportedProblem(
        ids=problem_ids([text(given, "VulnerabilityID", where)], where.rstrip(".")),
        fix_versions=tuple(version.strip() for version in fixed.split(",") if version.strip()),
        description=summary(text(given, "Title", where) or text(given, "Description", where)),
        severity=_severity(an_object(given.get("CVSS"), f"{where}CVSS"), f"{where}CVSS."),
    )


def _severity(sources: Mapping[str, Any], where: str) -> Severity:
    """The highest that any source gives, of the newest version of CVSS that there is."""
    given = [an_object(each, where) for each in sources.values()]
    for vector_key, score_key in (("V40Vector", "V40Score"), ("V3Vector", "V3Score"), ("V2Vector", "V2Score")):
        vectors = vector_severity(text(each, vector_key, where) for each in given)
        scores = highest_severity(score_severity(each.get(score_key)) for each in given)
        found = vectors if vectors.score is not None else scores
        if found.score is not None:
            return found
    return highest_severity(())
