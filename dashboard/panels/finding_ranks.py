"""Findings with their live rank and due date, grouped by problem, and the upgrades that close the most."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fleet.models import Finding
from fleet.selectors.findings import UNDECIDED_STATES, FindingFilter, findings
from fleet.selectors.threats import known_threats
from policies.dependencies.fix_first import Ranked, Upgrade, fix_first
from policies.dependencies.in_force import policy_in_force
from policies.dependencies.rank import Rank, rank
from policies.dependencies.sla import Clock, clock
from policies.dependencies.standing import Running, facts_of

DUE_STATES: Final = ("overdue", "soon", "ok")


@dataclass(frozen=True, slots=True)
class RankedFinding:
    """One row: `clock` is None once nothing is to be done any more."""

    row: Finding
    rank: Rank
    clock: Clock | None


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """One problem of one package, and everywhere it is, most urgent first."""

    advisory_id: str
    package: str
    members: Sequence[RankedFinding]

    @property
    def first(self) -> Finding:
        return self.members[0].row

    @property
    def value(self) -> float:
        """The greatest rank of its members."""
        return self.members[0].rank.value

    @property
    def services(self) -> int:
        return len({member.row.service_id for member in self.members})


def ranked_findings(
    wanted: FindingFilter, running: Running, now: datetime, *, without: Collection[str] = (), due: str = ""
) -> list[RankedFinding]:
    """Findings of the filter, the greatest rank first. Two queries, three for the feeds of exploitation."""
    sla = policy_in_force().sla
    found, rows = [], list(findings(wanted))
    threats = known_threats(name for row in rows for name in (row.advisory_id, *row.aliases))
    for row in rows:
        facts = facts_of(row, running, threats)
        ticking = clock(sla, facts, now) if row.state in UNDECIDED_STATES else None
        if not due or (ticking is not None and ticking.state == due):
            found.append(RankedFinding(row, rank(facts, ticking, without), ticking))
    return sorted(found, key=lambda each: (-each.rank.value, each.row.first_seen_at, each.row.pk))


def problem_groups(ranked: Iterable[RankedFinding]) -> list[ProblemGroup]:
    """Groups in the order of their first member."""
    groups: dict[tuple[str, str, str], list[RankedFinding]] = {}
    for each in ranked:
        groups.setdefault((each.row.advisory_id, each.row.ecosystem, each.row.package), []).append(each)
    return [ProblemGroup(advisory, package, members) for (advisory, _, package), members in groups.items()]


def due_counts(ranked: Iterable[RankedFinding]) -> dict[str, int]:
    """Due word -> how many, all of DUE_STATES."""
    counts = Counter(each.clock.state for each in ranked if each.clock)
    return {word: counts[word] for word in DUE_STATES}


def upgrades_first(ranked: Iterable[RankedFinding], most: int = 5) -> list[Upgrade]:
    """The upgrades that close the most of what is open."""
    return fix_first([_candidate(each) for each in ranked if each.row.state in UNDECIDED_STATES], most)


def _candidate(each: RankedFinding) -> Ranked:
    row = each.row
    return Ranked(
        row.pk, row.service.name, row.ecosystem, row.package, row.version, tuple(row.fix_versions), each.rank.value
    )
