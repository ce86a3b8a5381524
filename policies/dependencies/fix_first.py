"""The few upgrades that close the most risk: each package once, with the version to move to."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

PYTHON = "PyPI"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A finding with its rank, and what would close it."""

    finding_id: int
    service: str
    ecosystem: str
    package: str
    version: str
    """Versions in use, joined by ", "."""
    fix_versions: tuple[str, ...]
    rank: float


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One package to move, wherever it runs."""

    ecosystem: str
    package: str
    target: str
    """The lowest version that closes all of `findings`; empty where the order of versions is not sure."""
    findings: tuple[Ranked, ...]
    risk_closed: float
    share_ratio: float
    """Of the rank of all findings, those without a fix too."""
    choices: tuple[str, ...] = ()
    """Published fixes, where no one target could be chosen."""

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(sorted({each.service for each in self.findings}))


def fix_first(ranked: Sequence[Ranked], most: int = 5) -> list[Upgrade]:
    """At most `most` upgrades, the one that closes the most first.

    A finding belongs to one package, so taking the greatest each time is also the best choice of so many.
    """
    total = sum(each.rank for each in ranked)
    groups: dict[tuple[str, str], list[Ranked]] = defaultdict(list)
    for each in ranked:
        if each.fix_versions:
            groups[each.ecosystem, each.package].append(each)
    upgrades = [_upgrade(*package, group, total) for package, group in groups.items()]
    return sorted(upgrades, key=lambda upgrade: (-upgrade.risk_closed, upgrade.package))[:most]


def _upgrade(ecosystem: str, package: str, group: list[Ranked], total: float) -> Upgrade:
    targets = [lowest_fix(each) for each in group] if ecosystem == PYTHON else [None]
    sure = [target for target in targets if target is not None]
    closed = sum(each.rank for each in group)
    share = closed / total if total else 0.0
    if len(sure) < len(targets):
        choices = tuple(sorted({fix for each in group for fix in each.fix_versions}))
        return Upgrade(ecosystem, package, "", tuple(group), closed, share, choices)
    return Upgrade(ecosystem, package, str(max(sure)), tuple(group), closed, share)


def lowest_fix(finding: Ranked) -> Version | None:
    """The lowest fix above every version in use; None if one of them has no order or no fix is above."""
    in_use, fixes = _versions(finding.version.split(", ")), _versions(finding.fix_versions)
    if in_use is None or fixes is None:
        return None
    return min((fix for fix in fixes if fix > max(in_use)), default=None)


def _versions(texts: Iterable[str]) -> list[Version] | None:
    try:
        return [Version(text) for text in texts]
    except InvalidVersion:
        return None
