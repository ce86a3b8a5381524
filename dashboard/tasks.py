"""Celery's tasks: look for due work, run one job, keep the queue in order."""

import contextlib
from typing import Final

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from dashboard.backtests import ask as _backtest_job  # noqa: F401 - registers the handler of its jobs
from dashboard.log_deletion import delete_logs as _deletion_job  # noqa: F401 - registers the handler of its jobs
from dashboard.logged_errors import note_logged_errors
from dashboard.runtime import dispatcher, schedule
from dashboard.runtime.heartbeat import beat
from fleet.actions.services import discover_services
from fleet.jobs import requeue_expired
from fleet.selectors.rules import due_groups
from policies.rules.files import sync_watched_files
from policies.tasks import evaluate_rules
from telemetry.model.errors import StoreUnavailable
from telemetry.store import current

RULE_MESSAGE_SECONDS: Final = 2


@shared_task(name="dashboard.dispatch")  # type: ignore[untyped-decorator]
def dispatch() -> None:
    """Send due jobs and rule groups to the workers. Every second."""
    for job_id in dispatcher.due():
        run_job.delay(job_id)
    for group_id in due_groups(timezone.now()):
        # Sent again every second until somebody has claimed it, so a message that waited too long is worth nothing.
        evaluate_rules.apply_async((group_id,), expires=RULE_MESSAGE_SECONDS)


@shared_task(name="dashboard.upkeep")  # type: ignore[untyped-decorator]
def upkeep() -> None:
    """Say that the worker lives, renew the leases of what runs here, queue what the calendar asks for."""
    beat("worker")
    dispatcher.renew_leases()
    requeue_expired()
    schedule.enqueue_due()
    if settings.RULE_FILES:
        sync_watched_files(settings.RULE_FILES)


@shared_task(name="dashboard.discover")  # type: ignore[untyped-decorator]
def discover() -> None:
    """Give every service that telemetry names a row of its own, and note when it was last heard of."""
    try:
        seen = current().services_seen()
    except StoreUnavailable:
        return  # `/readyz` says so already; the next tick asks again
    discover_services({name: max(each.metrics_ms or 0, each.logs_ms or 0) for name, each in seen.items()})


@shared_task(name="dashboard.note_errors")  # type: ignore[untyped-decorator]
def note_errors() -> None:
    """Give every error of the logs a row, and open resolved ones again that came back."""
    with contextlib.suppress(StoreUnavailable):  # `/readyz` says so already; the next tick asks again
        note_logged_errors(current())


@shared_task(name="dashboard.run_job")  # type: ignore[untyped-decorator]
def run_job(job_id: int) -> None:
    """Run one job, unless another worker has it or all threads for jobs are busy (then it is sent again)."""
    dispatcher.run(job_id)
