"""Which process evaluates which group when: each evaluation is claimed by one, whoever comes first."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from hashlib import sha256
from typing import Final

import structlog
from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from prometheus_client import Counter, Histogram

from fleet.models import RuleGroup, RuleState
from policies.rules import document
from policies.rules.evaluation import GroupOutcome, RuleOutcome, evaluate_group, next_slot_ms
from policies.rules.memory import alert_json, memory_from, packed_series
from policies.rules.samples import ask_store, write_store

LEASE: Final = timedelta(minutes=10)
"""A group whose evaluation takes longer than this is taken for dead and may be claimed again."""

EVALUATIONS: Final = Counter("belvedere_rule_evaluations", "Evaluations of rules.", ["result"])
MISSED: Final = Counter("belvedere_rule_group_missed", "Evaluations of rule groups that did not happen in time.")
SECONDS: Final = Histogram("belvedere_rule_group_seconds", "How long the evaluation of a rule group took.")

_log = structlog.get_logger("belvedere.rules")
_parsed = lru_cache(maxsize=256)(document.parse_rule_file)


@dataclass(frozen=True, slots=True)
class Claim:
    """One evaluation that this process has taken on."""

    group_id: int
    slot_ms: int


def run_group(group_id: int, now: datetime | None = None) -> bool:
    """Evaluate the group if it is due and nobody else does; False if it is not to be had."""
    claim = claim_group(group_id, now or timezone.now())
    if claim is None:
        return False
    row = RuleGroup.objects.select_related("file").get(pk=group_id)
    group = next((each for each in _parsed(row.file.text) if each.name == row.name), None)
    states = list(row.states.all())
    if group is not None:
        memories = {state.position: memory_from(bytes(state.series), state.alerts) for state in states}
        ask = partial(ask_store, f"rule:{group.name}")
        outcome = evaluate_group(group, memories, claim.slot_ms, ask, write_store, external_url=settings.PUBLIC_URL)
        _keep(states, outcome, claim.slot_ms)
        _settle(row, outcome, claim.slot_ms)
    return True


def claim_group(group_id: int, now: datetime) -> Claim | None:
    """Take the newest evaluation that is due; those that went by before it are counted as missed."""
    row = RuleGroup.objects.filter(pk=group_id).first()
    now_ms = round(now.timestamp() * 1000)
    if row is None or row.next_at > now:
        return None
    due_ms = round(row.next_at.timestamp() * 1000)
    behind = (now_ms - due_ms) // row.interval_ms
    slot_ms = due_ms + behind * row.interval_ms
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    taken = RuleGroup.objects.filter(free, pk=group_id, next_at=row.next_at).update(
        next_at=instant(slot_ms + row.interval_ms), lease_until=now + LEASE, missed=F("missed") + behind
    )
    MISSED.inc(behind if taken else 0)
    return Claim(group_id, slot_ms) if taken else None


def first_slot(file: str, group: str, interval_ms: int, now: datetime) -> datetime:
    """When a new group is evaluated first: groups are spread over their interval by name."""
    offset = int.from_bytes(sha256(f"{file};{group}".encode()).digest()[:8]) % interval_ms
    return instant(next_slot_ms(round(now.timestamp() * 1000), interval_ms, offset))


def instant(milliseconds: int) -> datetime:
    """Time in UTC, exact to the millisecond."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(milliseconds=milliseconds % 1000)


def _keep(states: list[RuleState], outcome: GroupOutcome, slot_ms: int) -> None:
    found = [state for state in states if state.position < len(outcome.rules)]
    for state in found:
        _note(state, outcome.rules[state.position], slot_ms)
    fields = ["health", "last_error", "last_at", "last_seconds", "samples", "series", "alerts"]
    RuleState.objects.bulk_update(found, fields)


def _note(state: RuleState, rule: RuleOutcome, slot_ms: int) -> None:
    if rule.error and rule.error != state.last_error:
        _log.warning("rule not evaluated", rule=state.position, group=state.group_id, error=rule.error[:500])
    EVALUATIONS.labels("failed" if rule.error else "done").inc()
    state.health = "err" if rule.error else "ok"
    state.last_error, state.last_seconds, state.samples = rule.error, rule.seconds, rule.samples
    state.last_at = instant(slot_ms)
    state.series = packed_series(rule.memory.series)
    state.alerts = [alert_json(alert) for alert in rule.memory.alerts]


def _settle(row: RuleGroup, outcome: GroupOutcome, slot_ms: int) -> None:
    SECONDS.observe(outcome.seconds)
    RuleGroup.objects.filter(pk=row.pk).update(lease_until=None, last_at=instant(slot_ms), last_seconds=outcome.seconds)
