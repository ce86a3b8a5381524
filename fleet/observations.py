"""Brings together what scanners and our own matching say of a package: one observation a problem; pure."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from packaging.version import Version

from fleet.matching import PackageAdvisories, Verdict
from fleet.osv import NO_SEVERITY, Severity, alias_closures, highest_severity, preferred_id
from fleet.versions import pep440

MIRROR: Final = "mirror"
"""The scanner word of our own matching against the stored advisories."""

_VERSIONS_LENGTH: Final = 200
_FIRST: Final = Version("0")


@dataclass(frozen=True, slots=True)
class Claim:
    """One scanner's word that a version of a package has a problem; `ids[0]` is what it calls it."""

    scanner: str
    version: str
    ids: tuple[str, ...]
    summary: str = ""
    fix_versions: tuple[str, ...] = ()
    severity: Severity = NO_SEVERITY


@dataclass(frozen=True, slots=True)
class Observation:
    """One problem of one package as seen now, whoever named it and by whatever name."""

    advisory_id: str
    """Preferred identifier."""
    aliases: list[str]
    """All identifiers, sorted, `advisory_id` among them."""
    version: str
    """Affected versions in use, ascending, joined by ", "."""
    summary: str
    fix_versions: list[str]
    """Ascending; those of the mirror if it has any, else those that scanners gave."""
    severity: Severity
    reported_by: list[str]


def mirror_claims(version: str, verdict: Verdict) -> list[Claim]:
    """What our own matching says of `version`."""
    return [
        Claim(
            scanner=MIRROR,
            version=version,
            ids=(problem.advisory_id, *problem.ids),
            summary=problem.summary,
            fix_versions=problem.fix_versions,
            severity=problem.severity,
        )
        for problem in verdict.problems
    ]


def observe(advisories: PackageAdvisories, claims: Sequence[Claim]) -> list[Observation]:
    """`claims` about one package, those about the same problem as one observation, by identifier."""
    closures = alias_closures(_with_known_aliases(advisories, claim) for claim in claims)
    grouped: dict[frozenset[str], list[Claim]] = defaultdict(list)
    for claim in claims:
        grouped[closures[claim.ids[0]]].append(claim)
    seen = [_observation(advisories, ids, group) for ids, group in grouped.items()]
    return sorted(seen, key=lambda observation: observation.advisory_id)


def _with_known_aliases(advisories: PackageAdvisories, claim: Claim) -> set[str]:
    return set(claim.ids).union(*(advisories.closure(name) for name in claim.ids))


def _observation(advisories: PackageAdvisories, ids: Collection[str], claims: Sequence[Claim]) -> Observation:
    own = [claim for claim in claims if claim.scanner == MIRROR]
    published = [record.severity for record in advisories.records() if record.osv_id in ids]
    fixes = {fix for claim in own for fix in claim.fix_versions} or {
        fix for claim in claims for fix in claim.fix_versions
    }
    return Observation(
        advisory_id=preferred_id(ids, first={claim.ids[0] for claim in claims}),
        aliases=sorted(ids),
        version=_joined({claim.version for claim in claims}),
        summary=next((claim.summary for claim in (*own, *claims) if claim.summary), ""),
        fix_versions=_ascending(fixes),
        severity=highest_severity([*(claim.severity for claim in claims), *published]),
        reported_by=sorted({claim.scanner for claim in claims}),
    )


def _joined(versions: Collection[str]) -> str:
    text = ", ".join(_ascending(versions))
    return text if len(text) <= _VERSIONS_LENGTH else text[: _VERSIONS_LENGTH - 1] + "…"


def _ascending(versions: Collection[str]) -> list[str]:
    """In the order of versions, those that have none at the end."""

    def key(text: str) -> tuple[bool, Version, str]:
        version = pep440(text)
        return version is None, version or _FIRST, text

    return sorted(versions, key=key)
