"""Asks for acceptances by the terms of the policy, and watches those in force."""

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.utils import timezone

from fleet.actions.acceptances import end_acceptance, note_evaluation, request_acceptance
from fleet.actions.decisions import InvalidDecision
from fleet.jobs import JobRun, job
from fleet.models import Finding, RiskAcceptance
from policies.dependencies.condition import Ask, Evaluated, InvalidCondition, evaluate, read_condition
from policies.dependencies.document import AcceptanceTerms
from policies.dependencies.in_force import policy_in_force
from policies.rules.samples import ask_store

WATCH: Final = "acceptances.watch"
"""Kind of the job."""

State = RiskAcceptance.State


def accept(*, findings: Collection[int], condition: str, days: int, reason: str, actor: str) -> list[RiskAcceptance]:
    """Accept risks by the policy in force. Raises InvalidDecision."""
    terms = policy_in_force().acceptance
    if days > terms.max_days:
        raise InvalidDecision(f"{days} days is longer than the {terms.max_days} of the policy")
    if condition.strip():
        try:
            read_condition(condition)
        except InvalidCondition as error:
            raise InvalidDecision(str(error)) from error
    return request_acceptance(
        findings=findings, condition=condition, days=days, reason=reason, actor=actor, four_eyes=terms.four_eyes
    )


@job(WATCH)
def watch(run: JobRun) -> str:
    """Job, every minute: hold every acceptance in force against its date and its condition."""
    ended = watch_all(partial(_ask, "acceptances"), timezone.now())
    return f"{ended} acceptances ended"


def watch_all(ask: Ask, now: datetime) -> int:
    """How many acceptances ended. One that cannot be evaluated keeps no other from it."""
    terms = policy_in_force().acceptance
    active = RiskAcceptance.objects.filter(state=State.ACTIVE).select_related("finding")
    return sum(_watched(row, terms, ask, now) for row in active)


def _watched(row: RiskAcceptance, terms: AcceptanceTerms, ask: Ask, now: datetime) -> bool:
    if row.finding.state != Finding.State.ACCEPTED:
        return _end(row, State.ENDED, f"the finding is {row.finding.get_state_display()}")
    if row.expires_at <= now:
        return _end(row, State.EXPIRED, f"it was accepted until {row.expires_at:%Y-%m-%d %H:%M} UTC")
    if not row.condition:
        return False
    found = _evaluated(row.condition, ask)
    if found.holds is False:
        return _end(row, State.BROKEN, found.words)
    if found.holds:
        note_evaluation(acceptance=row.pk, at=now, evidence=found.words)
        return False
    note_evaluation(acceptance=row.pk, at=now, error=found.words)
    since = row.failing_since or now
    if now - since < timedelta(hours=terms.grace_hours):
        return False
    return _end(row, State.UNPROVEN, f"not evaluated since {since:%Y-%m-%d %H:%M} UTC: {found.words}")


def _evaluated(condition: str, ask: Ask) -> Evaluated:
    try:
        return evaluate(read_condition(condition), ask)
    except InvalidCondition as error:
        return Evaluated(None, str(error))


def _end(row: RiskAcceptance, state: str, evidence: str) -> bool:
    end_acceptance(acceptance=row.pk, state=state, evidence=evidence)
    return True


def _ask(actor: str, query: str) -> list[tuple[tuple[tuple[str, str], ...], float]]:
    return list(ask_store(actor, query, int(time.time() * 1000)))
