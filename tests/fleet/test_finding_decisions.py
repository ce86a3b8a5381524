"""People decide about many findings at once, everything is in the trail, and a moment later they may take it back."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from fleet.actions.decisions import Decision, InvalidDecision, decide_findings, undo_decision
from fleet.actions.services import record_deployment
from fleet.models import AuditEvent, Finding
from tests.fleet.test_dependencies import report, row, vuln

pytestmark = pytest.mark.django_db


@pytest.fixture
def found() -> list[int]:
    report(row("jinja2", "2.10", vuln("PYSEC-1"), vuln("PYSEC-2")))
    return list(Finding.objects.order_by("pk").values_list("pk", flat=True))


def states() -> list[str]:
    return list(Finding.objects.order_by("pk").values_list("state", flat=True))


def test_many_findings_get_a_state_a_reason_and_an_owner_at_once(found: list[int]) -> None:
    decision = Decision("not_affected", "the template engine is not used", "code_not_reachable", "ada")
    decide_findings(findings=found, decision=decision, actor="user:ada")
    rows = set(Finding.objects.values_list("state", "reason", "justification", "owner", "decided_by"))
    assert rows == {("not_affected", "the template engine is not used", "code_not_reachable", "ada", "user:ada")}
    event = AuditEvent.objects.get(action="finding.decided")
    assert (event.actor, event.detail["count"], event.detail["state"]) == ("user:ada", 2, "not_affected")


def test_a_decision_can_be_taken_back_for_a_moment_by_who_made_it(found: list[int]) -> None:
    made = decide_findings(findings=found, decision=Decision("false_positive", "no"), actor="user:ada")
    with pytest.raises(InvalidDecision, match="no decision of yours"):
        undo_decision(decision=made.pk, actor="user:eve")
    assert undo_decision(decision=made.pk, actor="user:ada") == 2
    assert states() == ["open", "open"]
    with pytest.raises(InvalidDecision):
        undo_decision(decision=made.pk, actor="user:ada")


def test_undoing_is_refused_later_and_leaves_what_was_decided_since(found: list[int]) -> None:
    first = decide_findings(findings=found, decision=Decision("under_investigation"), actor="user:ada")
    decide_findings(findings=found[:1], decision=Decision("false_positive", "looked"), actor="user:bob")
    assert undo_decision(decision=first.pk, actor="user:ada") == 1
    assert states() == ["false_positive", "open"]
    late = decide_findings(findings=found, decision=Decision("under_investigation"), actor="user:ada")
    with time_machine.travel(timezone.now() + timedelta(minutes=1)), pytest.raises(InvalidDecision, match="too late"):
        undo_decision(decision=late.pk, actor="user:ada")


@pytest.mark.parametrize(
    ("decision", "fault"),
    [
        (Decision("fixed"), "cannot be given"),
        (Decision("accepted", "why"), "cannot be given"),
        (Decision("false_positive", " "), "a reason is needed"),
        (Decision("not_affected", "x", "because"), "'because' is none of"),
        (Decision(), "nothing is decided"),
        (Decision("open", "x" * 501), "the limit is 500"),
    ],
)
def test_a_decision_that_cannot_be_meant_changes_nothing(found: list[int], decision: Decision, fault: str) -> None:
    with pytest.raises(InvalidDecision, match=fault):
        decide_findings(findings=found, decision=decision, actor="user:ada")
    assert states() == ["open", "open"]
    with pytest.raises(InvalidDecision, match="there is no finding 0"):
        decide_findings(findings=[0, *found], decision=Decision("under_investigation"), actor="user:ada")


def test_a_finding_knows_what_introduced_it_and_what_fixed_it() -> None:
    first, _ = record_deployment(service="shop", environment="production", version="1", actor="test")
    report(row("jinja2", "2.10", vuln("PYSEC-1")))
    second, _ = record_deployment(service="shop", environment="production", version="2", actor="test")
    report(row("jinja2", "3.1"))
    finding = Finding.objects.get()
    assert (finding.introduced_by, finding.fixed_by, finding.fixed_version) == (first, second, "3.1")
    report(row("jinja2", "2.10", vuln("PYSEC-1")))
    finding = Finding.objects.get()
    assert (finding.introduced_by, finding.fixed_by, finding.fixed_version) == (second, None, "")
    assert finding.state_words == "reopened"
    assert finding.counts_since == finding.reopened_at


def test_looking_into_a_finding_does_not_hide_it_and_it_is_fixed_when_gone(found: list[int]) -> None:
    decide_findings(findings=found[:1], decision=Decision("under_investigation"), actor="user:ada")
    decide_findings(findings=found[1:], decision=Decision("not_affected", "unused"), actor="user:ada")
    report(row("jinja2", "2.10", vuln("PYSEC-1"), vuln("PYSEC-2")))
    assert states() == ["under_investigation", "not_affected"]
    report(row("jinja2", "3.1"))
    assert states() == ["fixed", "not_affected"]
