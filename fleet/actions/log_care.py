"""Redaction and sampling are switched on and off; each change is in force within seconds, in every process."""

from django.db import transaction

from fleet.actions.audit import record
from fleet.models import RedactionPattern, RedactionSwitch, SamplingRule
from fleet.selectors.log_care import forget_cached_log_care


class InvalidLogCare(ValueError):
    """A rule that cannot be meant; the message says why."""


def switch_redaction(*, service: str, rule: str, on: bool, actor: str) -> None:
    """Switch a rule on or off for a service, or for every one (`*`). Asking for what is so changes nothing."""
    with transaction.atomic():
        if on:
            _, changed = RedactionSwitch.objects.get_or_create(
                service=service, rule=rule, defaults={"created_by": actor}
            )
        else:
            changed = RedactionSwitch.objects.filter(service=service, rule=rule).delete()[0] > 0
        if changed:
            action = "redaction.switched_on" if on else "redaction.switched_off"
            record(
                actor=actor, action=action, object_type="redaction_rule", object_id=rule, detail={"service": service}
            )
    forget_cached_log_care()


def add_redaction_pattern(*, name: str, pattern: str, taken: frozenset[str], actor: str) -> RedactionPattern:
    """A rule of one's own, off until it is switched on. Raises InvalidLogCare for a name in `taken` or in use."""
    if name in taken or RedactionPattern.objects.filter(name=name).exists():
        raise InvalidLogCare(f"there is a rule {name!r} already")
    with transaction.atomic():
        row = RedactionPattern.objects.create(name=name, pattern=pattern, created_by=actor)
        detail = {"pattern": pattern}
        record(actor=actor, action="redaction.added", object_type="redaction_rule", object_id=name, detail=detail)
    forget_cached_log_care()
    return row


def remove_redaction_pattern(*, pattern: RedactionPattern, actor: str) -> None:
    """End a rule of one's own, and with it its switches."""
    with transaction.atomic():
        RedactionSwitch.objects.filter(rule=pattern.name).delete()
        detail = {"pattern": pattern.pattern}
        record(
            actor=actor,
            action="redaction.removed",
            object_type="redaction_rule",
            object_id=pattern.name,
            detail=detail,
        )
        pattern.delete()
    forget_cached_log_care()


def add_sampling_rule(*, service: str, severity_max: int, pattern: str, keep_one_in: int, actor: str) -> SamplingRule:
    """A rule for records that arrive from now on. Raises InvalidLogCare if it would keep everything."""
    if keep_one_in < 2:
        raise InvalidLogCare(f"keeping one in {keep_one_in} is keeping everything; the least is 2")
    with transaction.atomic():
        rule = SamplingRule.objects.create(
            service=service, severity_max=severity_max, pattern=pattern, keep_one_in=keep_one_in, created_by=actor
        )
        _record_sampling(rule, "sampling.added", actor)
    forget_cached_log_care()
    return rule


def remove_sampling_rule(*, rule: SamplingRule, actor: str) -> None:
    """Everything is kept again; what was not stored does not come back."""
    with transaction.atomic():
        _record_sampling(rule, "sampling.removed", actor)
        rule.delete()
    forget_cached_log_care()


def _record_sampling(rule: SamplingRule, action: str, actor: str) -> None:
    detail = {"service": rule.service, "rule": str(rule)}
    record(actor=actor, action=action, object_type="sampling_rule", object_id=str(rule.pk), detail=detail)
