"""Budgets come, go and change their state; each of it stands in the audit trail."""

from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.utils import timezone

from fleet.actions.audit import record
from fleet.models import Budget


class InvalidBudget(ValueError):
    """A budget that cannot be meant; the message names the value."""


def add_budget(*, name: str, scope: str, value: str, amount: str, currency: str, near_ratio: str, actor: str) -> Budget:
    """A budget from now on. Raises InvalidBudget."""
    _check_number(amount, "the amount", least=Decimal(0))
    if _check_number(near_ratio, "the warning share", least=Decimal(0)) > 1:
        raise InvalidBudget(f"the warning share must be between 0 and 1, not {near_ratio}")
    if scope == Budget.Scope.TAG and "=" not in value:
        raise InvalidBudget(f"a tag is written NAME=VALUE, not {value!r}")
    if Budget.objects.filter(name=name).exists():
        raise InvalidBudget(f"there is a budget {name!r} already")
    with transaction.atomic():
        budget = Budget.objects.create(
            name=name, scope=scope, value=value, amount=amount, currency=currency, near_ratio=near_ratio,
            created_by=actor,
        )  # fmt: skip
        _record(budget, "budget.added", actor)
    return budget


def _check_number(text: str, what: str, *, least: Decimal) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise InvalidBudget(f"{what} must be a decimal such as 1200.50, not {text!r}") from error
    if not number.is_finite() or number <= least or number > Decimal(10) ** 18:
        raise InvalidBudget(f"{what} must be above {least} and at most 10^18, not {text}")
    return number


def remove_budget(*, budget: Budget, actor: str) -> None:
    """End a budget."""
    with transaction.atomic():
        _record(budget, "budget.removed", actor)
        budget.delete()


def note_budget_state(*, budget: Budget, state: str, reason: str) -> bool:
    """Keep the state; a change of it is recorded. Whether it changed."""
    with transaction.atomic():
        moved = (
            Budget.objects.filter(pk=budget.pk)
            .exclude(state=state)
            .update(state=state, state_since=timezone.now())
        )  # fmt: skip
        if moved:
            record(
                actor="system:budgets",
                action="budget.state_changed",
                object_type="budget",
                object_id=str(budget.pk),
                detail={"name": budget.name, "from": budget.state, "to": state, "reason": reason},
            )
    return bool(moved)


def _record(budget: Budget, action: str, actor: str) -> None:
    record(
        actor=actor,
        action=action,
        object_type="budget",
        object_id=str(budget.pk),
        detail={"name": budget.name, "scope": budget.scope, "value": budget.value, "amount": budget.amount},
    )
