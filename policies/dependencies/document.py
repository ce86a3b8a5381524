"""The dependency policy as a YAML document: due dates, acceptances, the rules of the gate, and its own tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from policies.dependencies.facts import Facts
from policies.dependencies.sla import DEFAULT_DAYS, SEVERITIES, Sla
from policies.documents.located import DocumentError, Located, read_documents

MAX_DAYS: Final = 3650
LONGEST_ACCEPTANCE_DAYS: Final = 90
_FLOORS: Final = {"critical": 9.0, "high": 7.0, "medium": 4.0, "low": 0.0}
_SECTIONS: Final = ("kind", "sla", "acceptance", "rules", "tests", "unaudited")


@dataclass(frozen=True, slots=True)
class AcceptanceTerms:
    """How risks may be accepted."""

    max_days: int = LONGEST_ACCEPTANCE_DAYS
    four_eyes: bool = False
    """Whether somebody else must approve."""
    grace_hours: float = 24
    """How long a condition that cannot be evaluated keeps its acceptance, shown as such."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What must not be: a finding or component that meets all conditions violates it. None asks nothing."""

    name: str
    severity_at_least: float | None = None
    epss_at_least: float | None = None
    known_exploited: bool | None = None
    older_than_days: float | None = None
    packages: tuple[str, ...] = ()
    """Names with `*`; any of them."""
    allowed_packages: tuple[str, ...] = ()
    """Names with `*` that the rule leaves alone."""
    licences: tuple[str, ...] = ()
    internet_facing: bool | None = None
    requests_per_second_at_least: float | None = None
    runs: bool | None = None
    fixable: bool | None = None
    unknown_violates: bool = True
    """Whether a condition about something unknown counts as met."""

    @property
    def is_about_components(self) -> bool:
        """Whether it can be violated without any advisory: packages and licences alone."""
        asked = (self.severity_at_least, self.epss_at_least, self.known_exploited, self.older_than_days, self.fixable)
        return bool(self.packages or self.licences or self.allowed_packages) and all(value is None for value in asked)


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """A test of the policy: facts, and the rules that they must violate."""

    name: str
    facts: Facts
    violates: tuple[str, ...]
    age_days: float = 0.0
    line: int = 0


@dataclass(frozen=True, slots=True)
class DependencyPolicy:
    """A whole document."""

    sla: Sla = field(default_factory=Sla)
    acceptance: AcceptanceTerms = field(default_factory=AcceptanceTerms)
    rules: tuple[Rule, ...] = ()
    unaudited_violates: bool = True
    """Whether components that could not be audited fail the gate."""
    cases: tuple[PolicyCase, ...] = ()


DEFAULT_TEXT: Final = """\
kind: DependencyPolicy
sla:
  days: {critical: 7, high: 30, medium: 90, low: 180, unrated: 30}
  known_exploited_days: 3
acceptance: {max_days: 90, four_eyes: false, grace_hours: 24}
unaudited: violates
rules:
- name: known to be exploited
  known_exploited: true
  when_unknown: passes
- name: high or worse with a fix
  severity_at_least: high
  fixable: true
"""


def read_policy(text: str) -> DependencyPolicy:
    """The policy that `text` says. Raises DocumentError with line and column."""
    documents = read_documents(text)
    if len(documents) != 1:
        raise DocumentError(f"expected one document, found {len(documents)}")
    root = documents[0].fields(*_SECTIONS)
    if "kind" in root:
        root["kind"].choice("DependencyPolicy")
    rules = tuple(_rule(each) for each in root["rules"].items()) if "rules" in root else ()
    names = [rule.name for rule in rules]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise root["rules"].items()[place].error(f"has the name {name!r} of a rule before it")
    return DependencyPolicy(
        sla=_sla(root["sla"]) if "sla" in root else Sla(),
        acceptance=_acceptance(root["acceptance"]) if "acceptance" in root else AcceptanceTerms(),
        rules=rules,
        unaudited_violates=_violates(root.get("unaudited")),
        cases=tuple(_case(each, names) for each in root["tests"].items()) if "tests" in root else (),
    )


def _sla(section: Located) -> Sla:
    found = section.fields("days", "known_exploited_days")
    days = {**DEFAULT_DAYS}
    if "days" in found:
        for severity, value in found["days"].fields(*SEVERITIES).items():
            days[severity] = value.number(0.01, MAX_DAYS)
    return Sla(days, _number(found, "known_exploited_days", 0.01, MAX_DAYS))


def _acceptance(section: Located) -> AcceptanceTerms:
    found = section.fields("max_days", "four_eyes", "grace_hours")
    default = AcceptanceTerms()
    grace = _number(found, "grace_hours", 0, 24 * LONGEST_ACCEPTANCE_DAYS)
    return AcceptanceTerms(
        found["max_days"].whole(1, LONGEST_ACCEPTANCE_DAYS) if "max_days" in found else default.max_days,
        _flag(found, "four_eyes") or False,
        default.grace_hours if grace is None else grace,
    )


_RULE_FIELDS: Final = (
    "name", "severity_at_least", "epss_at_least", "known_exploited", "older_than_days", "packages", "allowed_packages",
    "licences", "internet_facing", "requests_per_second_at_least", "runs", "fixable", "when_unknown",
)  # fmt: skip


def _rule(each: Located) -> Rule:
    found = each.fields(*_RULE_FIELDS)
    if "name" not in found:
        raise each.error("has no name")
    if not found.keys() - {"name", "when_unknown"}:
        raise each.error("has no condition, so everything would violate it")
    return Rule(
        name=found["name"].text(),
        severity_at_least=_score(found.get("severity_at_least")),
        epss_at_least=_number(found, "epss_at_least", 0, 1),
        known_exploited=_flag(found, "known_exploited"),
        older_than_days=_number(found, "older_than_days", 0, MAX_DAYS),
        packages=_texts(found.get("packages")),
        allowed_packages=_texts(found.get("allowed_packages")),
        licences=_texts(found.get("licences")),
        internet_facing=_flag(found, "internet_facing"),
        requests_per_second_at_least=_number(found, "requests_per_second_at_least", 0, 1e9),
        runs=_flag(found, "runs"),
        fixable=_flag(found, "fixable"),
        unknown_violates=_violates(found.get("when_unknown")),
    )


_FACT_FIELDS: Final = (
    "package", "version", "severity", "epss", "known_exploited", "age_days", "licences", "internet_facing",
    "requests_per_second", "replicas", "fix_versions", "component",
)  # fmt: skip


def _case(each: Located, rules: list[str]) -> PolicyCase:
    found = each.fields("name", "finding", "violates")
    if "finding" not in found or "violates" not in found:
        raise each.error("needs a finding and the names of the rules that it violates")
    violates = tuple(name.text() for name in found["violates"].items())
    for name in found["violates"].items():
        if name.value not in rules:
            raise name.error("there is no rule of this name")
    given = found["finding"].fields(*_FACT_FIELDS)
    title = found["name"].text() if "name" in found else f"test in line {each.place.line}"
    return PolicyCase(title, _facts(given), violates, _number(given, "age_days", 0, MAX_DAYS) or 0.0, each.place.line)


def _facts(given: Mapping[str, Located]) -> Facts:
    return Facts(
        package=given["package"].text() if "package" in given else "package",
        version=given["version"].text() if "version" in given else "1.0",
        advisory_id="" if _flag(given, "component") else "TEST-1",
        severity_score=_score(given.get("severity")),
        epss=_number(given, "epss", 0, 1),
        known_exploited=_flag(given, "known_exploited"),
        licences=_texts(given["licences"]) if "licences" in given else None,
        internet_facing=_flag(given, "internet_facing"),
        requests_per_second=_number(given, "requests_per_second", 0, 1e9),
        replicas=given["replicas"].whole(0, 1_000_000) if "replicas" in given else None,
        fix_versions=_texts(given.get("fix_versions")),
    )


def _score(value: Located | None) -> float | None:
    """A CVSS score, or the lowest of a severity word."""
    if value is None or value.value is None:
        return None
    return _FLOORS[value.choice(*_FLOORS)] if isinstance(value.value, str) else value.number(0, 10)


def _number(found: Mapping[str, Located], name: str, minimum: float, maximum: float) -> float | None:
    value = found.get(name)
    return None if value is None or value.value is None else value.number(minimum, maximum)


def _flag(found: Mapping[str, Located], name: str) -> bool | None:
    value = found.get(name)
    if value is None or value.value is None:
        return None
    if not isinstance(value.value, bool):
        raise value.error("expected true or false")
    return value.value


def _texts(value: Located | None) -> tuple[str, ...]:
    return tuple(each.text() for each in value.items()) if value is not None else ()


def _violates(value: Located | None) -> bool:
    return value is None or value.choice("violates", "passes") == "violates"
