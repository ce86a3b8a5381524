"""Celery's tasks: look for due work, run one job, keep the queue in order."""

from celery import shared_task

from dashboard.runtime import dispatcher, schedule
from dashboard.runtime.heartbeat import beat
from fleet.actions.services import discover_services
from fleet.jobs import requeue_expired
from telemetry.model.errors import StoreUnavailable
from telemetry.store import current


@shared_task(name="dashboard.dispatch")  # type: ignore[untyped-decorator]
def dispatch() -> None:
    """Send due jobs to the workers. Every second."""
    for job_id in dispatcher.due():
        run_job.delay(job_id)


@shared_task(name="dashboard.upkeep")  # type: ignore[untyped-decorator]
def upkeep() -> None:
    """Say that the worker lives, renew the leases of what runs here, queue what the calendar asks for."""
    beat("worker")
    dispatcher.renew_leases()
    requeue_expired()
    schedule.enqueue_due()


@shared_task(name="dashboard.discover")  # type: ignore[untyped-decorator]
def discover() -> None:
    """Give every service that telemetry names a row of its own, and note when it was last heard of."""
    try:
        seen = current().services_seen()
    except StoreUnavailable:
        return  # `/readyz` says so already; the next tick asks again
    discover_services({name: max(each.metrics_ms or 0, each.logs_ms or 0) for name, each in seen.items()})


@shared_task(name="dashboard.run_job")  # type: ignore[untyped-decorator]
def run_job(job_id: int) -> None:
    """Run one job, unless another worker has it or all threads for jobs are busy (then it is sent again)."""
    dispatcher.run(job_id)
