"""Retention rules come and go, and each run of one leaves a receipt."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from fleet.actions.audit import record
from fleet.models import RetentionRule, Team


class InvalidRetention(ValueError):
    """A rule that cannot be meant; the message says why."""


def add_retention_rule(
    *,
    selector: str,
    service: str,
    team: Team | None,
    days: int,
    actor: str,
    signal: str = RetentionRule.Signal.METRICS,
) -> RetentionRule:
    """A rule that is carried out from the next run on. Raises InvalidRetention."""
    if days < 1:
        raise InvalidRetention(f"{days} days would remove everything; the least is 1")
    if not (selector or service or team):
        name = (
            "BELVEDERE_LOG_RETENTION_DAYS" if signal == RetentionRule.Signal.LOGS else "BELVEDERE_SAMPLE_RETENTION_DAYS"
        )
        raise InvalidRetention(f"a rule for everything is the general retention ({name})")
    with transaction.atomic():
        rule = RetentionRule.objects.create(
            signal=signal, selector=selector, service=service, team=team, days=days, created_by=actor
        )
        _record(rule, "retention.added", actor)
    return rule


def remove_retention_rule(*, rule: RetentionRule, actor: str) -> None:
    """End a rule; what it removed is gone."""
    with transaction.atomic():
        _record(rule, "retention.removed", actor)
        rule.delete()


def note_retention_run(*, rule: RetentionRule, at: datetime, rows: int, error: str = "") -> None:
    """The receipt of one run: in the row, and in the audit trail if it removed anything."""
    with transaction.atomic():
        RetentionRule.objects.filter(pk=rule.pk).update(
            last_run_at=at, last_removed_rows=rows, removed_rows=F("removed_rows") + rows, last_error=error[:500]
        )
        if rows:
            record(
                actor="system:retention",
                action="retention.carried_out",
                object_type="retention_rule",
                object_id=str(rule.pk),
                detail={"rule": str(rule), "signal": rule.signal, "rows": rows},
            )


def _record(rule: RetentionRule, action: str, actor: str) -> None:
    record(
        actor=actor,
        action=action,
        object_type="retention_rule",
        object_id=str(rule.pk),
        detail={"rule": str(rule), "selector": rule.selector, "service": rule.service, "days": rule.days},
    )
