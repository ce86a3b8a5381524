"""Rule files come, change and go; what their rules left behind is kept as long as the rule stays the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from fleet.actions.audit import record
from fleet.models import RuleFile, RuleGroup, RuleState


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """A group as it will be evaluated; `fingerprints` are those of its rules, in order."""

    name: str
    interval_ms: int
    next_at: datetime
    fingerprints: Sequence[str]


def save_rule_file(*, name: str, text: str, groups: Sequence[GroupPlan], source: str, actor: str) -> RuleFile:
    """Put the file in force in place of the one of that name. Its rules must have been read without a fault."""
    with transaction.atomic():
        file, created = RuleFile.objects.update_or_create(
            name=name, defaults={"text": text, "source": source, "problem": "", "loaded_at": timezone.now()}
        )
        file.groups.exclude(name__in=[plan.name for plan in groups]).delete()
        for position, plan in enumerate(groups):
            _save_group(file, position, plan)
        record(
            actor=actor,
            action="rules.loaded" if created else "rules.replaced",
            object_type="rule_file",
            object_id=str(file.pk),
            detail={"name": name, "groups": len(groups), "rules": sum(len(plan.fingerprints) for plan in groups)},
        )
    return file


def _save_group(file: RuleFile, position: int, plan: GroupPlan) -> None:
    group, created = RuleGroup.objects.get_or_create(
        file=file,
        name=plan.name,
        defaults={"position": position, "interval_ms": plan.interval_ms, "next_at": plan.next_at},
    )
    if not created:
        if group.interval_ms != plan.interval_ms:
            group.next_at = plan.next_at
        group.position, group.interval_ms = position, plan.interval_ms
        group.save(update_fields=["position", "interval_ms", "next_at"])
    _save_states(group, plan.fingerprints)


def _save_states(group: RuleGroup, fingerprints: Sequence[str]) -> None:
    """One state a rule, in the new order; a rule that was there before keeps what it left behind."""
    kept: dict[str, list[RuleState]] = {}
    for state in group.states.all():
        kept.setdefault(state.fingerprint, []).append(state)
    group.states.all().delete()
    RuleState.objects.bulk_create(
        _moved(kept[each].pop(0), position) if kept.get(each) else _new(group, each, position)
        for position, each in enumerate(fingerprints)
    )


def _moved(state: RuleState, position: int) -> RuleState:
    state.pk, state.position = None, position
    return state


def _new(group: RuleGroup, fingerprint: str, position: int) -> RuleState:
    return RuleState(group=group, position=position, fingerprint=fingerprint)


def note_problem(*, name: str, problem: str) -> None:
    """A newer version of the file could not be read; the former one stays."""
    RuleFile.objects.filter(name=name).update(problem=problem[:1000])


def remove_rule_file(*, file: RuleFile, actor: str) -> None:
    """End the evaluation of the file's rules; what they recorded stays."""
    with transaction.atomic():
        record(
            actor=actor,
            action="rules.removed",
            object_type="rule_file",
            object_id=str(file.pk),
            detail={"name": file.name},
        )
        file.delete()
