"""Risks are accepted, approved, and come back when what they were bound to no longer holds."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from fleet.actions.audit import record
from fleet.actions.decisions import MAX_REASON, InvalidDecision
from fleet.models import Finding, RiskAcceptance
from fleet.selectors.findings import UNDECIDED_STATES

State = RiskAcceptance.State
SYSTEM: Final = "system:acceptances"


def request_acceptance(
    *, findings: Collection[int], condition: str, days: int, reason: str, actor: str, four_eyes: bool
) -> list[RiskAcceptance]:
    """Accept the risk of open findings for `days`; with `four_eyes` somebody else approves first.

    The caller has checked the condition and the policy's longest time. Raises InvalidDecision; nothing changes then.
    """
    if not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidDecision(f"a reason of 1 to {MAX_REASON} characters is needed")
    if days < 1:
        raise InvalidDecision(f"{days} days is no time; the least is 1")
    now = timezone.now()
    with transaction.atomic():
        rows = list(Finding.objects.select_for_update().filter(pk__in=findings, state__in=UNDECIDED_STATES))
        if not rows or len(rows) < len(set(findings)):
            raise InvalidDecision("only open findings can be accepted, and one of these is not open")
        if RiskAcceptance.objects.filter(finding__in=rows, state=State.REQUESTED).exists():
            raise InvalidDecision("an acceptance of one of these waits for approval already")
        made = [
            RiskAcceptance.objects.create(
                finding=row,
                condition=condition.strip(),
                expires_at=now + timedelta(days=days),
                reason=reason.strip(),
                requested_by=actor,
                requested_at=now,
            )
            for row in rows
        ]
        for acceptance in made:
            _note(acceptance, "acceptance.requested", actor)
            if not four_eyes:
                _put_in_force(acceptance, "", now)
    return made


def approve_acceptance(*, acceptance: int, actor: str) -> RiskAcceptance:
    """Put a requested acceptance in force. Raises InvalidDecision, also for one's own request."""
    with transaction.atomic():
        row = _locked(acceptance, State.REQUESTED)
        if row.requested_by == actor:
            raise InvalidDecision("somebody else than who asked must approve")
        if row.finding.state not in UNDECIDED_STATES:
            raise InvalidDecision(f"the finding is {row.finding.get_state_display()} by now")
        if row.expires_at <= timezone.now():
            raise InvalidDecision("the time it was asked for has passed")
        _put_in_force(row, actor, timezone.now())
        _note(row, "acceptance.approved", actor)
    return row


def reject_acceptance(*, acceptance: int, actor: str) -> RiskAcceptance:
    """Turn a request down; the finding stays open. Raises InvalidDecision."""
    with transaction.atomic():
        row = _locked(acceptance, State.REQUESTED)
        row.state, row.ended_at = State.REJECTED, timezone.now()
        row.save(update_fields=["state", "ended_at"])
        _note(row, "acceptance.rejected", actor)
    return row


def end_acceptance(*, acceptance: int, state: str, evidence: str, actor: str = SYSTEM) -> None:
    """End an acceptance in force and open its finding again, with `evidence` as the reason. Raises InvalidDecision."""
    with transaction.atomic():
        row = _locked(acceptance, State.ACTIVE)
        row.state, row.ended_at, row.evidence = state, timezone.now(), evidence[:500]
        row.save(update_fields=["state", "ended_at", "evidence"])
        finding = row.finding
        if finding.state == Finding.State.ACCEPTED:
            finding.state, finding.reopened_at = Finding.State.OPEN, row.ended_at
            finding.reason = f"{row.get_state_display()}: {evidence}"[:500]
            finding.decided_by, finding.decided_at = actor, row.ended_at
            finding.save(update_fields=["state", "reopened_at", "reason", "decided_by", "decided_at"])
        _note(row, f"acceptance.{state}", actor, evidence=evidence[:500])


def note_evaluation(*, acceptance: int, at: datetime, evidence: str = "", error: str = "") -> None:
    """What the last look at the condition found; the first of several failures in a row keeps its time."""
    rows = RiskAcceptance.objects.filter(pk=acceptance, state=State.ACTIVE)
    if error:
        rows.filter(failing_since=None).update(failing_since=at)
        rows.update(last_error=error[:500])
    else:
        rows.update(evaluated_at=at, evidence=evidence[:500], last_error="", failing_since=None)


def _locked(acceptance: int, state: str) -> RiskAcceptance:
    rows = RiskAcceptance.objects.select_for_update(of=("self",)).select_related("finding")
    row = rows.filter(pk=acceptance, state=state).first()
    if row is None:
        raise InvalidDecision(f"there is no acceptance {acceptance} that is {state}")
    return row


def _put_in_force(row: RiskAcceptance, approver: str, now: datetime) -> None:
    row.state, row.approved_by, row.approved_at = State.ACTIVE, approver, now if approver else None
    row.save(update_fields=["state", "approved_by", "approved_at"])
    finding = row.finding
    finding.state, finding.reason = Finding.State.ACCEPTED, row.reason
    finding.decided_by, finding.decided_at = row.requested_by, now
    finding.save(update_fields=["state", "reason", "decided_by", "decided_at"])


def _note(row: RiskAcceptance, action: str, actor: str, **more: Any) -> None:
    record(
        actor=actor,
        action=action,
        object_type="acceptance",
        object_id=str(row.pk),
        detail={
            "finding": str(row.finding_id),
            "condition": row.condition,
            "expires_at": row.expires_at.isoformat(),
            "reason": row.reason,
            "requested_by": row.requested_by,
            **more,
        },
    )
