"""People decide about findings, many at once, and may take it back for a moment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from fleet.actions.audit import record
from fleet.models import Finding, FindingDecision, RiskAcceptance

UNDO_FOR: Final = timedelta(seconds=15)
"""The page offers to undo for 10 seconds; the rest is for a slow network."""

JUSTIFICATIONS: Final = (
    "code_not_present", "code_not_reachable", "requires_configuration", "requires_dependency", "requires_environment",
    "protected_by_compiler", "protected_at_runtime", "protected_at_perimeter", "protected_by_mitigating_control",
)  # fmt: skip
"""Why a component is not affected, in the words of CycloneDX 1.6 (`impactAnalysisJustification`)."""

BY_PEOPLE: Final = (
    Finding.State.OPEN, Finding.State.UNDER_INVESTIGATION, Finding.State.FALSE_POSITIVE, Finding.State.NOT_AFFECTED,
)  # fmt: skip
"""States that a decision may give. Accepting needs an expiry, and fixed is what the next report says."""

MAX_REASON: Final = 500
_NEED_REASON: Final = (Finding.State.FALSE_POSITIVE, Finding.State.NOT_AFFECTED)
_FIELDS: Final = ("state", "reason", "justification", "owner", "decided_by")


class InvalidDecision(ValueError):
    """A decision that cannot be meant; the message says why."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of findings; None changes nothing."""

    state: str | None = None
    reason: str = ""
    justification: str = ""
    owner: str | None = None


def decide_findings(*, findings: Collection[int], decision: Decision, actor: str) -> FindingDecision:
    """Give findings a state, an owner or both. Raises InvalidDecision; then nothing has changed."""
    _check(decision)
    with transaction.atomic():
        rows = list(Finding.objects.select_for_update().filter(pk__in=findings).order_by("pk"))
        _check_rows(rows, findings, decision)
        made = FindingDecision.objects.create(
            decided_at=timezone.now(), decided_by=actor, before={str(row.pk): _fields(row) for row in rows}
        )
        if decision.state is not None:
            RiskAcceptance.objects.filter(finding__in=rows, state=RiskAcceptance.State.ACTIVE).update(
                state=RiskAcceptance.State.ENDED, ended_at=made.decided_at
            )
        for row in rows:
            _apply(row, decision, made)
        Finding.objects.bulk_update(rows, [*_FIELDS, "decided_at"], batch_size=500)
        _note(made, "finding.decided", actor, _said(decision, rows))
    return made


def undo_decision(*, decision: int, actor: str) -> int:
    """Put back what was there before; how many findings. Raises InvalidDecision if it is too late or not one's own."""
    with transaction.atomic():
        made = FindingDecision.objects.select_for_update().filter(pk=decision, undone_at=None).first()
        if made is None or made.decided_by != actor:
            raise InvalidDecision("there is no decision of yours to undo")
        if timezone.now() - made.decided_at > UNDO_FOR:
            raise InvalidDecision("it is too late to undo; decide again instead")
        rows = list(Finding.objects.select_for_update().filter(pk__in=[int(key) for key in made.before]))
        untouched = [row for row in rows if row.decided_at == made.decided_at]
        for row in untouched:
            for name, value in made.before[str(row.pk)].items():
                setattr(row, name, value)
        Finding.objects.bulk_update(untouched, _FIELDS, batch_size=500)
        RiskAcceptance.objects.filter(
            finding__in=untouched, state=RiskAcceptance.State.ENDED, ended_at=made.decided_at
        ).update(state=RiskAcceptance.State.ACTIVE, ended_at=None)
        made.undone_at = timezone.now()
        made.save(update_fields=["undone_at"])
        _note(made, "finding.decision_undone", actor, {"findings": len(untouched)})
    return len(untouched)


def undoable(decision: str, actor: str) -> FindingDecision | None:
    """The decision with this id, if `actor` may still undo it."""
    if not (decision.isascii() and decision.isdecimal() and len(decision) < 19):
        return None
    since = timezone.now() - UNDO_FOR
    return FindingDecision.objects.filter(
        pk=int(decision), decided_by=actor, undone_at=None, decided_at__gte=since
    ).first()


def _check(decision: Decision) -> None:
    if decision.state is None and decision.owner is None:
        raise InvalidDecision("nothing is decided: give a state or an owner")
    if decision.state is not None and decision.state not in BY_PEOPLE:
        raise InvalidDecision(f"state {decision.state!r} cannot be given; expected one of {', '.join(BY_PEOPLE)}")
    if decision.state in _NEED_REASON and not decision.reason.strip():
        raise InvalidDecision("a reason is needed, so that others can follow it later")
    if len(decision.reason) > MAX_REASON:
        raise InvalidDecision(f"the reason has {len(decision.reason)} characters; the limit is {MAX_REASON}")
    if decision.justification and decision.justification not in JUSTIFICATIONS:
        raise InvalidDecision(f"justification {decision.justification!r} is none of {', '.join(JUSTIFICATIONS)}")
    if decision.owner is not None and len(decision.owner) > 150:
        raise InvalidDecision(f"the owner has {len(decision.owner)} characters; the limit is 150")


def _check_rows(rows: Sequence[Finding], wanted: Collection[int], decision: Decision) -> None:
    if missing := set(wanted) - {row.pk for row in rows}:
        raise InvalidDecision(f"there is no finding {min(missing)}")
    if not rows:
        raise InvalidDecision("no finding is chosen")
    if decision.state is None:
        return
    if fixed := next((row for row in rows if row.state == Finding.State.FIXED), None):
        raise InvalidDecision(f"{fixed.advisory_id} of {fixed.package} is fixed; it opens again when a report names it")


def _apply(row: Finding, decision: Decision, made: FindingDecision) -> None:
    if decision.state is not None:
        row.state, row.reason = decision.state, decision.reason.strip()
        row.justification = decision.justification if decision.state == Finding.State.NOT_AFFECTED else ""
    if decision.owner is not None:
        row.owner = decision.owner.strip()
    row.decided_by, row.decided_at = made.decided_by, made.decided_at


def _fields(row: Finding) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _FIELDS}


def _said(decision: Decision, rows: Sequence[Finding]) -> dict[str, Any]:
    return {
        "state": decision.state,
        "reason": decision.reason,
        "justification": decision.justification,
        "owner": decision.owner,
        "findings": [f"{row.advisory_id} {row.package} #{row.pk}" for row in rows[:100]],
        "count": len(rows),
    }


def _note(made: FindingDecision, action: str, actor: str, detail: dict[str, Any]) -> None:
    record(actor=actor, action=action, object_type="finding_decision", object_id=str(made.pk), detail=detail)
