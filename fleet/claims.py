"""What a scanner said of a component, as it is kept with it, so that every later look still knows it; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fleet.inventory import NOT_AFFECTED, ReportedProblem
from fleet.observations import Claim
from fleet.osv import Severity
from fleet.selectors.dependencies import Package

_SUMMARY_LENGTH: Final = 500


def kept_problem(problem: ReportedProblem) -> dict[str, Any]:
    """The JSON form of `problem`; what is empty is left out."""
    values = {
        "ids": list(problem.ids),
        "summary": " ".join(problem.description.split())[:_SUMMARY_LENGTH],
        "fixes": list(problem.fix_versions),
        "score": problem.severity.score,
        "vector": problem.severity.vector,
        "vex": problem.analysis.state,
        "justification": problem.analysis.justification,
        "detail": problem.analysis.detail,
    }
    return {name: value for name, value in values.items() if value not in ("", [], None)}


def claims_of(scanner: str, version: str, kept: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """Claims of one component. A problem that is said not to concern it (VEX) is no claim that it does."""
    return [
        Claim(
            scanner=scanner,
            version=version,
            ids=tuple(each["ids"]),
            summary=each.get("summary", ""),
            fix_versions=tuple(each.get("fixes", ())),
            severity=Severity(each.get("score"), each.get("vector", "")),
        )
        for each in kept
        if each.get("vex") not in NOT_AFFECTED
    ]


def claims_by_package(rows: Iterable[tuple[Package, Sequence[Claim]]]) -> dict[Package, list[Claim]]:
    """All claims about a package together."""
    claims: dict[Package, list[Claim]] = defaultdict(list)
    for package, given in rows:
        if given:
            claims[package] += given
    return claims
