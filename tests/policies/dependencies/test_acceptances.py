"""An accepted risk comes back when its time is over or its condition breaks, and doubt is shown, never silent."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.actions.acceptances import approve_acceptance, reject_acceptance
from fleet.actions.decisions import InvalidDecision
from fleet.jobs import enqueue, run_job
from fleet.models import AuditEvent, Finding, RiskAcceptance
from policies.dependencies.acceptances import WATCH, accept, watch_all
from policies.dependencies.condition import InvalidCondition, evaluate, read_condition
from policies.dependencies.in_force import save_policy
from telemetry.model.errors import StoreUnavailable
from telemetry.store import TelemetryStore
from tests.fleet.test_dependencies import report, row, vuln
from tests.series import write_series

QUIET = 'sum(requests{service="shop"}) < 1 and sum(up{service="shop"}) <= 2'
NOW = timezone.now()


def answers(**values: float | None):
    """Asks made-up series: the metric named first in a query has the value, None is no data."""

    def ask(query: str):
        value = next(value for name, value in values.items() if f"({name}{{" in query)
        return [] if value is None else [((), value)]

    return ask


@pytest.mark.parametrize(
    ("requests", "up", "holds", "words"),
    [
        (0.5, 2, True, 'sum(requests{service="shop"}) is 0.5, < 1; sum(up{service="shop"}) is 2, <= 2'),
        (3, 2, False, 'sum(requests{service="shop"}) is 3, not < 1'),
        (None, 2, None, 'sum(requests{service="shop"}): no data'),
        (None, 5, False, 'sum(up{service="shop"}) is 5, not <= 2'),
        (float("nan"), 1, None, 'sum(requests{service="shop"}): not a number'),
    ],
)
def test_a_condition_holds_is_broken_or_is_not_known(requests: float, up: float, holds: bool, words: str) -> None:
    found = evaluate(read_condition(QUIET), answers(requests=requests, up=up))
    assert (found.holds, found.words) == (holds, words)


@pytest.mark.parametrize("text", ["up", "up < other", "up or vector(1) < 2", "up <", "rate(up[5m]) + 1", "1"])
def test_a_condition_must_be_comparisons_with_numbers(text: str) -> None:
    with pytest.raises(InvalidCondition):
        read_condition(text)


@pytest.fixture
def finding(db: None) -> Finding:
    report(row("jinja2", "2.10", vuln("PYSEC-1")))
    return Finding.objects.get()


def accepted(finding: Finding, **values: object) -> RiskAcceptance:
    asked = {"condition": QUIET, "days": 30, "reason": "an internal tool", "actor": "user:ada", **values}
    return accept(findings=[finding.pk], **asked)[0]


def state(finding: Finding) -> str:
    finding.refresh_from_db()
    return finding.state


def test_a_condition_that_breaks_reopens_the_finding_with_the_value(finding: Finding) -> None:
    acceptance = accepted(finding)
    assert state(finding) == "accepted"
    assert watch_all(answers(requests=0.1, up=1), NOW) == 0
    assert state(finding) == "accepted"
    assert watch_all(answers(requests=7, up=1), NOW) == 1
    acceptance.refresh_from_db()
    assert (state(finding), acceptance.state) == ("open", "broken")
    assert "is 7, not < 1" in finding.reason
    assert finding.reopened_at is not None
    assert "is 7, not < 1" in AuditEvent.objects.get(action="acceptance.broken").detail["evidence"]


def test_what_cannot_be_evaluated_is_flagged_and_reopens_after_the_grace_of_the_policy(finding: Finding) -> None:
    def down(query: str):
        raise StoreUnavailable("the store is closed")

    acceptance = accepted(finding)
    assert watch_all(down, NOW) == 0
    acceptance.refresh_from_db()
    assert (state(finding), acceptance.failing_since) == ("accepted", NOW)
    assert "the store is closed" in acceptance.last_error
    assert watch_all(down, NOW + timedelta(hours=23)) == 0
    assert watch_all(answers(requests=None, up=1), NOW + timedelta(hours=25)) == 1
    acceptance.refresh_from_db()
    assert (state(finding), acceptance.state) == ("open", "unproven")


def test_an_evaluation_that_succeeds_ends_the_doubt(finding: Finding) -> None:
    acceptance = accepted(finding)
    watch_all(answers(requests=None, up=1), NOW)
    watch_all(answers(requests=0, up=1), NOW + timedelta(hours=1))
    acceptance.refresh_from_db()
    assert (acceptance.failing_since, acceptance.last_error) == (None, "")


def test_every_acceptance_expires(finding: Finding) -> None:
    accepted(finding, condition="")
    assert watch_all(answers(), NOW + timedelta(days=29)) == 0
    assert watch_all(answers(), NOW + timedelta(days=31)) == 1
    assert (state(finding), RiskAcceptance.objects.get().state) == ("open", "expired")


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"days": 91}, "longer than the 90"),
        ({"days": 0}, "the least is 1"),
        ({"reason": " "}, "a reason"),
        ({"condition": "up"}, "no comparison with a number"),
    ],
)
def test_what_the_policy_does_not_allow_is_refused(finding: Finding, values: dict, fault: str) -> None:
    with pytest.raises(InvalidDecision, match=fault):
        accepted(finding, **values)
    assert state(finding) == "open"


def test_with_four_eyes_somebody_else_approves(finding: Finding) -> None:
    save_policy(text="acceptance: {four_eyes: true}\n", actor="user:boss")
    acceptance = accepted(finding)
    assert (acceptance.state, state(finding)) == ("requested", "open")
    with pytest.raises(InvalidDecision, match="somebody else"):
        approve_acceptance(acceptance=acceptance.pk, actor="user:ada")
    approve_acceptance(acceptance=acceptance.pk, actor="user:bob")
    assert (state(finding), RiskAcceptance.objects.get().approved_by) == ("accepted", "user:bob")
    with pytest.raises(InvalidDecision):
        reject_acceptance(acceptance=acceptance.pk, actor="user:bob")


def test_the_job_asks_the_store(finding: Finding, store: TelemetryStore) -> None:
    now_ms = int(time.time() * 1000)
    write_series(
        store,
        ("requests", {"service": "shop"}, [(now_ms - 1000, 9)]),
        ("up", {"service": "shop"}, [(now_ms - 1000, 1)]),
    )
    accepted(finding)
    run_job(enqueue(WATCH).pk)
    assert state(finding) == "open"
    assert "is 9, not < 1" in finding.reason
