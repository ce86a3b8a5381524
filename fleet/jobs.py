"""Durable jobs: a row says what is to be done, a lease says who does it now, and a kill loses neither.

`enqueue` writes the row in the caller's transaction. A worker claims due rows by compare-and-set, runs the
registered handler and settles the row. A lease that ran out (killed process) puts the row back in the queue,
so a handler may run twice and must be idempotent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from fleet.models import Job

Handler = Callable[..., str | None]
"""Called with the JobRun and the job's arguments; may return a sentence for the row's message."""

LEASE: Final = timedelta(minutes=2)
BACKOFF_SECONDS: Final = (5, 30, 120, 600, 3600)

_handlers: dict[str, Handler] = {}
_log = structlog.get_logger("belvedere.jobs")


class JobCancelled(Exception):
    """Raised inside a handler when somebody asked for the job to stop."""


class JobFailed(Exception):
    """A handler gives up for a reason that repeating will not mend; the message is shown."""


def job(kind: str) -> Callable[[Handler], Handler]:
    """Register a handler for jobs of `kind`."""

    def register(handler: Handler) -> Handler:
        if kind in _handlers and _handlers[kind] is not handler:
            raise ValueError(f"two handlers for jobs of kind {kind!r}")
        _handlers[kind] = handler
        return handler

    return register


def enqueue(
    kind: str,
    *,
    arguments: dict[str, Any] | None = None,
    run_at: datetime | None = None,
    idempotency_key: str | None = None,
    max_attempts: int = 5,
) -> Job:
    """Write the job's row. A second call with the same key returns the first row."""
    values = {
        "kind": kind,
        "arguments": arguments or {},
        "run_at": run_at or timezone.now(),
        "max_attempts": max_attempts,
    }
    if idempotency_key is None:
        return Job.objects.create(**values)
    row, _ = Job.objects.get_or_create(idempotency_key=idempotency_key, defaults=values)
    return row


def due_jobs(limit: int = 50) -> list[int]:
    """Ids of queued jobs whose time has come, oldest first."""
    due = Job.objects.filter(state=Job.State.QUEUED, run_at__lte=timezone.now())
    return list(due.order_by("run_at", "pk").values_list("pk", flat=True)[:limit])


def requeue_expired() -> int:
    """Put jobs back whose worker died (their lease ran out); fail those that used up their attempts."""
    expired = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=timezone.now())
    expired.filter(attempts__gte=F("max_attempts")).update(
        state=Job.State.FAILED, finished_at=timezone.now(), message="its worker died too often"
    )
    return expired.filter(attempts__lt=F("max_attempts")).update(state=Job.State.QUEUED, lease_until=None)


def renew_leases(job_ids: Iterable[int]) -> int:
    """Extend the leases of jobs that still run, so that a long step without progress is not taken for a death."""
    running = Job.objects.filter(pk__in=list(job_ids), state=Job.State.RUNNING)
    return running.update(lease_until=timezone.now() + LEASE)


def release_all() -> int:
    """Put every running job back at once: for a start after a kill, when no other worker can exist."""
    return Job.objects.filter(state=Job.State.RUNNING).update(state=Job.State.QUEUED, lease_until=None)


@dataclass(slots=True)
class JobRun:
    """What a handler sees of its job."""

    job_id: int

    def progress(self, ratio: float, message: str = "") -> None:
        """Note progress (0 to 1), renew the lease. Raises JobCancelled if somebody asked to stop."""
        Job.objects.filter(pk=self.job_id).update(
            progress_ratio=ratio, message=message[:1000], lease_until=timezone.now() + LEASE
        )
        if Job.objects.filter(pk=self.job_id, cancel_requested=True).exists():
            raise JobCancelled


def run_job(job_id: int) -> bool:
    """Claim and run one job; False if another worker has it or it is not due. Never raises for a handler's fault."""
    if not _claim(job_id):
        return False
    row = Job.objects.get(pk=job_id)
    handler = _handlers.get(row.kind)
    if handler is None:
        _settle(row, Job.State.FAILED, f"no handler for jobs of kind {row.kind!r} in this process")
        return True
    try:
        message = handler(JobRun(row.pk), **row.arguments)
    except JobCancelled:
        _settle(row, Job.State.CANCELLED, "cancelled")
    except JobFailed as error:
        _settle(row, Job.State.FAILED, str(error))
    except (Exception, SystemExit) as error:  # an outer edge: a fault of one job must not end the worker
        _log.exception("job failed", kind=row.kind, job=row.pk, attempt=row.attempts)
        _retry_or_fail(row, f"{type(error).__name__}: {error}")
    else:
        _settle(row, Job.State.DONE, message or "", progress_ratio=1.0)
    return True


def _claim(job_id: int) -> bool:
    now = timezone.now()
    claimable = Job.objects.filter(pk=job_id, state=Job.State.QUEUED, run_at__lte=now)
    claimed = claimable.update(
        state=Job.State.RUNNING, attempts=F("attempts") + 1, lease_until=now + LEASE, started_at=now
    )
    return claimed == 1


def _settle(row: Job, state: str, message: str, **values: Any) -> None:
    Job.objects.filter(pk=row.pk, state=Job.State.RUNNING).update(
        state=state, message=message[:1000], finished_at=timezone.now(), lease_until=None, **values
    )


def _retry_or_fail(row: Job, message: str) -> None:
    if row.attempts >= row.max_attempts:
        _settle(row, Job.State.FAILED, message)
        return
    delay = BACKOFF_SECONDS[min(row.attempts - 1, len(BACKOFF_SECONDS) - 1)]
    Job.objects.filter(pk=row.pk, state=Job.State.RUNNING).update(
        state=Job.State.QUEUED,
        run_at=timezone.now() + timedelta(seconds=delay),
        lease_until=None,
        message=message[:1000],
    )


def cancel(*, job_id: int) -> bool:
    """Stop a job: at once while it waits, at its next progress note while it runs."""
    with transaction.atomic():
        waiting = Job.objects.filter(pk=job_id, state=Job.State.QUEUED)
        if waiting.update(state=Job.State.CANCELLED, finished_at=timezone.now()):
            return True
        running = Job.objects.filter(pk=job_id, state=Job.State.RUNNING)
        return running.update(cancel_requested=True) == 1


def forget_old(keep_days: int = 30) -> int:
    """Delete settled jobs older than `keep_days`."""
    settled = Q(state__in=[Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED])
    deleted, _ = Job.objects.filter(settled, finished_at__lt=timezone.now() - timedelta(days=keep_days)).delete()
    return deleted
