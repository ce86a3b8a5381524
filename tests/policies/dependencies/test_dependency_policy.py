"""Due dates, ranks, upgrades and the rules of the gate are decisions about values."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.dependencies.document import DEFAULT_TEXT, read_policy
from policies.dependencies.facts import Facts
from policies.dependencies.fix_first import Ranked, fix_first
from policies.dependencies.gate import run_cases, violations
from policies.dependencies.rank import FACTOR_NAMES, rank
from policies.dependencies.sla import Sla, clock
from policies.documents.located import DocumentError

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def facts(**values: object) -> Facts:
    return Facts(**{"package": "jinja2", "advisory_id": "PYSEC-1", "counts_since": NOW - timedelta(days=10), **values})


@pytest.mark.parametrize(
    ("score", "exploited", "due_days", "state"),
    [(9.8, None, -3, "overdue"), (7.5, None, 20, "ok"), (7.5, True, -7, "overdue"), (None, None, 20, "ok")],
)
def test_the_due_date_depends_on_severity_and_exploitation(
    score: float | None, exploited: bool | None, due_days: int, state: str
) -> None:
    found = clock(Sla(), facts(severity_score=score, known_exploited=exploited), NOW)
    assert found is not None
    assert (found.due_at, found.state) == (NOW + timedelta(days=due_days), state)


def test_a_due_date_is_near_when_less_than_a_quarter_of_the_time_is_left() -> None:
    near = clock(Sla(), facts(severity_score=7.5, counts_since=NOW - timedelta(days=23)), NOW)
    assert near is not None
    assert (near.state, near.words) == ("soon", "7 days left")


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ({"severity_score": 5.0}, {"severity_score": 9.8}),
        ({"epss": 0.01}, {"epss": 0.9}),
        ({"known_exploited": False}, {"known_exploited": True}),
        ({"internet_facing": False}, {"internet_facing": None}),
        ({"internet_facing": None}, {"internet_facing": True}),
        ({"requests_per_second": 0.0}, {"requests_per_second": None}),
        ({"requests_per_second": 1.0}, {"requests_per_second": 500.0}),
        ({"replicas": 0}, {"replicas": None}),
        ({"replicas": 2}, {"replicas": 20}),
    ],
)
def test_more_risk_ranks_higher_and_what_is_unknown_is_not_harmless(
    lower: dict[str, object], higher: dict[str, object]
) -> None:
    assert rank(facts(**lower), None).value < rank(facts(**higher), None).value


@given(
    st.builds(
        facts,
        severity_score=st.none() | st.floats(0, 10),
        epss=st.none() | st.floats(0, 1),
        known_exploited=st.none() | st.booleans(),
        internet_facing=st.none() | st.booleans(),
        requests_per_second=st.none() | st.floats(0, 1e6),
        replicas=st.none() | st.integers(0, 1000),
    ),
    st.sets(st.sampled_from(FACTOR_NAMES)),
)
def test_a_rank_is_the_product_of_its_shown_factors_and_each_can_be_taken_away(known: Facts, without: set[str]) -> None:
    whole, less = rank(known, None), rank(known, None, without)
    assert [factor.name for factor in whole.factors] == list(FACTOR_NAMES)
    assert less.value == pytest.approx(10 * math.prod(f.multiplier for f in whole.factors if f.name not in without))
    assert whole.value > 0


def ranked(
    number: int, package: str, value: float, *fixes: str, version: str = "1.0", ecosystem: str = "PyPI"
) -> Ranked:
    return Ranked(number, f"service-{number}", ecosystem, package, version, fixes, value)


def test_one_upgrade_that_closes_several_findings_counts_once_with_the_version_that_closes_all() -> None:
    upgrades = fix_first([
        ranked(1, "jinja2", 5, "1.1", "2.0"), ranked(2, "jinja2", 6, "1.10", version="1.2, 1.9"),
        ranked(3, "flask", 10, "3.0"), ranked(4, "hopeless", 9),
    ])  # fmt: skip
    assert [(each.package, each.target, each.risk_closed) for each in upgrades] == [
        ("jinja2", "1.10", 11), ("flask", "3.0", 10),
    ]  # fmt: skip
    assert upgrades[0].share_ratio == pytest.approx(11 / 30)
    assert upgrades[0].services == ("service-1", "service-2")


def test_where_versions_have_no_sure_order_the_fixes_are_named_instead_of_a_target() -> None:
    upgrade = fix_first([ranked(1, "lodash", 5, "4.17.21", ecosystem="npm")])[0]
    assert (upgrade.target, upgrade.choices) == ("", ("4.17.21",))


RULES = """\
rules:
- name: runs and takes traffic
  severity_at_least: high
  runs: true
  requests_per_second_at_least: 0.1
- name: banned
  packages: [left-pad, "evil*"]
- name: old
  older_than_days: 5
  epss_at_least: 0.5
  when_unknown: passes
tests:
- finding: {severity: 9.8, replicas: 2, requests_per_second: 3}
  violates: [runs and takes traffic]
- name: it stands still
  finding: {severity: 9.8, replicas: 0, requests_per_second: 3}
  violates: []
- name: nobody knows whether it runs
  finding: {severity: critical, requests_per_second: 3}
  violates: [runs and takes traffic]
- finding: {package: evil-twin, component: true}
  violates: [banned]
- finding: {severity: low, epss: 0.7, age_days: 6, replicas: 1}
  violates: [old]
- finding: {severity: low, age_days: 6, replicas: 1}
  violates: []
"""


def test_a_policy_proves_itself_by_its_own_tests() -> None:
    results = run_cases(read_policy(RULES))
    assert [result.passed for result in results] == [True] * 6
    wrong = RULES.replace("violates: [banned]", "violates: []")
    assert [result.passed for result in run_cases(read_policy(wrong))].count(False) == 1


def test_what_is_unknown_violates_and_is_named() -> None:
    found = violations(read_policy(RULES), [facts(severity_score=9.8, replicas=None, requests_per_second=3.0)], NOW)
    assert [each.rule for each in found] == ["runs and takes traffic"]
    assert "replicas now unknown, counted as violating" in found[0].because


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rules:\n- name: x\n  epss_at_least: 2\n", "line 3, column 18: rules[0].epss_at_least is 2; expected"),
        ("rules:\n- {severity_at_least: high}\n", "has no name"),
        ("rules:\n- {name: x}\n", "has no condition"),
        ("sla: {days: {urgent: 1}}\n", "is not known here"),
        ("acceptance: {max_days: 91}\n", "expected a whole number from 1 to 90"),
        ("rules: [{name: x, runs: maybe}]\n", "expected true or false"),
        ("rules: [{name: x, runs: true}]\ntests: [{finding: {}, violates: [y]}]\n", "there is no rule of this name"),
        ("rules: [{name: x, runs: true}, {name: x, runs: true}]\n", "of a rule before it"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_policy_is_shown_where_it_stands(text: str, fault: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_policy(text)
    assert fault in str(caught.value)


def test_the_policy_that_comes_along_is_a_policy() -> None:
    assert len(read_policy(DEFAULT_TEXT).rules) == 2
