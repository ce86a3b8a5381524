"""Mapping rules come, change and go; each change is in force within seconds."""

import re2
from django.db import transaction

from fleet.actions.audit import record
from fleet.mapping import forget_cached_rules
from fleet.models import MappingRule


class InvalidRule(ValueError):
    """A rule that cannot work; the message says which part and why."""


def add_rule(
    *,
    label: str,
    pattern: str,
    service_name: str,
    actor: str,
    signal: str = MappingRule.Signal.ANY,
    position: int = 100,
) -> MappingRule:
    """A rule in force from now on for new series, streams and charges. Raises InvalidRule."""
    check_rule(label, pattern, service_name)
    with transaction.atomic():
        rule = MappingRule.objects.create(
            label=label, pattern=pattern, service_name=service_name, signal=signal, position=position
        )
        _record(rule, "mapping.added", actor)
    forget_cached_rules()
    return rule


def remove_rule(*, rule: MappingRule, actor: str) -> None:
    """End a rule; what it named keeps its name."""
    with transaction.atomic():
        _record(rule, "mapping.removed", actor)
        rule.delete()
    forget_cached_rules()


def check_rule(label: str, pattern: str, service_name: str) -> None:
    """Raises InvalidRule naming the part that cannot work."""
    if not label.strip():
        raise InvalidRule("the label is empty")
    try:
        compiled = re2.compile(pattern)
    except re2.error as error:
        raise InvalidRule(f"the pattern {pattern!r} is not a regular expression of RE2: {error}") from error
    if not service_name.strip():
        raise InvalidRule("the service name is empty")
    highest = max((int(digit) for digit in _references(service_name)), default=0)
    if highest > compiled.groups:
        raise InvalidRule(
            f"the service name refers to group \\{highest}, but the pattern {pattern!r} has {compiled.groups} groups"
        )


def _references(template: str) -> list[str]:
    return [template[at + 1] for at in range(len(template) - 1) if template[at] == "\\" and template[at + 1].isdigit()]


def _record(rule: MappingRule, action: str, actor: str) -> None:
    record(
        actor=actor,
        action=action,
        object_type="mapping_rule",
        object_id=str(rule.pk),
        detail={"label": rule.label, "pattern": rule.pattern, "service": rule.service_name, "signal": rule.signal},
    )
