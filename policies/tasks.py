"""Celery's tasks of this floor: thin, the work is in the policies."""

from celery import shared_task

from policies.rules.schedule import run_group


@shared_task(name="policies.evaluate_rules")  # type: ignore[untyped-decorator]
def evaluate_rules(group_id: int) -> None:
    """Evaluate one group of rules, unless another worker does."""
    run_group(group_id)
