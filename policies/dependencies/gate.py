"""Holds findings and components against the rules of a dependency policy."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from policies.dependencies.document import DependencyPolicy, PolicyCase, Rule
from policies.dependencies.facts import Facts

UNAUDITED: Final = "could not be audited"
"""Name of the rule that components violate which nobody could look at."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a finding or component violates, and why."""

    rule: str
    facts: Facts
    because: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a test of a policy went."""

    case: PolicyCase
    violated: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return set(self.violated) == set(self.case.violates)


def violations(policy: DependencyPolicy, everything: Iterable[Facts], now: datetime) -> list[Violation]:
    """Every violation, in the order of `everything` and then of the rules."""
    return [
        Violation(rule.name, facts, because)
        for facts in everything
        for rule in policy.rules
        if (facts.advisory_id or rule.is_about_components) and (because := _violated(rule, facts, now)) is not None
    ]


def run_cases(policy: DependencyPolicy) -> list[CaseResult]:
    """The policy's own tests."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return [CaseResult(case, tuple(each.rule for each in violations(policy, [_aged(case, now)], now)))
            for case in policy.cases]  # fmt: skip


def _aged(case: PolicyCase, now: datetime) -> Facts:
    return replace(case.facts, counts_since=now - timedelta(days=case.age_days))


def _violated(rule: Rule, facts: Facts, now: datetime) -> str | None:
    """Why `facts` meet every condition of the rule; None if they do not."""
    reasons = []
    for met, words in _conditions(rule, facts, now):
        if met is False or (met is None and not rule.unknown_violates):
            return None
        reasons.append(f"{words}, counted as violating" if met is None else words)
    return "; ".join(reasons)


_Condition = tuple[bool | None, str]
"""Whether it is met (None: unknown), and the fact in words."""


def _conditions(rule: Rule, facts: Facts, now: datetime) -> Iterator[_Condition]:
    """Each condition that the rule has."""
    yield from _of_package(rule, facts)
    yield from _of_problem(rule, facts, now)
    yield from _of_place(rule, facts)


def _of_package(rule: Rule, facts: Facts) -> Iterator[_Condition]:
    if rule.packages:
        yield _named(facts.package, rule.packages), f"package {facts.package}"
    if rule.allowed_packages:
        yield not _named(facts.package, rule.allowed_packages), f"package {facts.package} is not among the allowed"
    if rule.licences:
        licences = facts.licences
        met = None if licences is None else any(_named(each, rule.licences) for each in licences)
        yield met, _told("licence", None if licences is None else ", ".join(licences) or "none named")


def _of_problem(rule: Rule, facts: Facts, now: datetime) -> Iterator[_Condition]:
    if rule.severity_at_least is not None:
        yield _at_least(facts.severity_score, rule.severity_at_least), _told("severity", facts.severity_score)
    if rule.epss_at_least is not None:
        yield _at_least(facts.epss, rule.epss_at_least), _told("EPSS", facts.epss)
    if rule.known_exploited is not None:
        yield _equal(facts.known_exploited, rule.known_exploited), _told("known exploited", facts.known_exploited)
    if rule.older_than_days is not None:
        age = (now - facts.counts_since) / timedelta(days=1) if facts.counts_since else None
        yield _at_least(age, rule.older_than_days), _told("age in days", age)
    if rule.fixable is not None:
        fixes = ", ".join(facts.fix_versions)
        yield bool(fixes) is rule.fixable, f"fixed in {fixes}" if fixes else "no fix published"


def _of_place(rule: Rule, facts: Facts) -> Iterator[_Condition]:
    if rule.internet_facing is not None:
        yield _equal(facts.internet_facing, rule.internet_facing), _told("internet facing", facts.internet_facing)
    if rule.requests_per_second_at_least is not None:
        rate = facts.requests_per_second
        yield _at_least(rate, rule.requests_per_second_at_least), _told("requests/s over 7 days", rate)
    if rule.runs is not None:
        runs = None if facts.replicas is None else facts.replicas > 0
        yield _equal(runs, rule.runs), _told("replicas now", facts.replicas)


def _named(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _at_least(value: float | None, least: float) -> bool | None:
    return None if value is None else value >= least


def _equal(value: bool | None, wanted: bool) -> bool | None:
    return None if value is None else value is wanted


def _told(what: str, value: object) -> str:
    if value is None:
        return f"{what} unknown"
    shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    return f"{what} {shown:.4g}" if isinstance(shown, float) else f"{what} {shown}"
