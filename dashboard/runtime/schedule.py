"""The calendar of periodic jobs. Its state is in the database: after a pause each is caught up once, not many times."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from collectors.bills import SWEEP
from collectors.pull.advisories import FETCH
from collectors.pull.own_packages import AUDIT_OWN
from collectors.pull.threats import FETCH_THREATS
from dashboard.budget_watch import LOOK_AT_BUDGETS
from dashboard.models import ScheduledJob
from dashboard.runtime.housekeeping import TIDY_UP
from fleet.jobs import enqueue
from policies.dependencies.acceptances import WATCH
from policies.retention import CARRY_OUT


@dataclass(frozen=True, slots=True)
class Periodic:
    """A kind of job that is queued every `every`, the first time `after` the first start."""

    kind: str
    every: timedelta
    after: timedelta = timedelta()


CALENDAR: Final[tuple[Periodic, ...]] = (
    Periodic(AUDIT_OWN, every=timedelta(days=1), after=timedelta(seconds=10)),
    Periodic(FETCH, every=timedelta(days=1), after=timedelta(seconds=20)),
    Periodic(FETCH_THREATS, every=timedelta(days=1), after=timedelta(seconds=40)),
    Periodic(SWEEP, every=timedelta(days=1), after=timedelta(minutes=30)),
    Periodic(CARRY_OUT, every=timedelta(hours=1), after=timedelta(minutes=5)),
    Periodic(LOOK_AT_BUDGETS, every=timedelta(hours=1), after=timedelta(minutes=2)),
    Periodic(WATCH, every=timedelta(minutes=1), after=timedelta(seconds=30)),
    Periodic(TIDY_UP, every=timedelta(days=1), after=timedelta(hours=1)),
)


def enqueue_due(calendar: tuple[Periodic, ...] = CALENDAR) -> list[str]:
    """Queue each periodic job whose time has come; returns their kinds.

    Several processes may call this at once: the one that moves `last_run_at` on queues the job.
    """
    now = timezone.now()
    known = {row.kind: row for row in ScheduledJob.objects.filter(kind__in=[entry.kind for entry in calendar])}
    return [entry.kind for entry in calendar if _claim(entry, known.get(entry.kind), now)]


def _claim(entry: Periodic, row: ScheduledJob | None, now: datetime) -> bool:
    if row is None:
        # The first run is made due at `after` from now by pretending an earlier one.
        pretended = now - entry.every + entry.after
        row, _ = ScheduledJob.objects.get_or_create(kind=entry.kind, defaults={"last_run_at": pretended})
    if row.last_run_at is not None and not is_due(row.last_run_at, entry.every, now):
        return False
    moved = ScheduledJob.objects.filter(pk=row.pk, last_run_at=row.last_run_at).update(last_run_at=now)
    if moved:
        enqueue(entry.kind, idempotency_key=f"{entry.kind}:{now.isoformat()}")
    return moved == 1


def is_due(last_run_at: datetime, every: timedelta, now: datetime) -> bool:
    """A last run in the future means that the clock was set back since, so it does not count."""
    return now - last_run_at >= every or last_run_at > now
