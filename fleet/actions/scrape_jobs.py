"""Scrape jobs come, change and go; processes join and leave; states are written."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from fleet.actions.audit import record
from fleet.models import ScrapeJob, ScrapeSnapshot, ScrapeWorker

FORGOTTEN_AFTER: Final = timedelta(days=1)
"""Age at which the snapshot of a process that is gone is deleted."""


def put_job(*, name: str, document: Mapping[str, Any], secrets: str, source: str, actor: str) -> bool:
    """Make the job or bring it up to date; whether it is new."""
    with transaction.atomic():
        _, created = ScrapeJob.objects.update_or_create(
            name=name, defaults={"document": dict(document), "secrets": secrets, "source": source}
        )
        record(
            actor=actor,
            action="scrape_job.added" if created else "scrape_job.changed",
            object_type="scrape_job",
            object_id=name,
            detail={"source": source},
        )
    return created


def switch_job(*, job: ScrapeJob, enabled: bool, actor: str) -> None:
    """Pause or resume all targets of `job`."""
    if job.enabled == enabled:
        return
    with transaction.atomic():
        job.enabled = enabled
        job.save(update_fields=["enabled", "changed_at"])
        action = "scrape_job.resumed" if enabled else "scrape_job.paused"
        record(actor=actor, action=action, object_type="scrape_job", object_id=job.name, detail={})


def remove_job(*, job: ScrapeJob, actor: str) -> None:
    """Scrape its targets no more; stored samples stay."""
    with transaction.atomic():
        record(actor=actor, action="scrape_job.removed", object_type="scrape_job", object_id=job.name, detail={})
        ScrapeSnapshot.objects.filter(job=job.name).delete()
        job.delete()


def live_on(*, name: str, now: datetime, lease: timedelta, settle: timedelta) -> None:
    """Say that the process `name` lives; a new one (or one that was taken for dead) has its share after `settle`."""
    until = now + lease
    if ScrapeWorker.objects.filter(name=name, until__gt=now).update(until=until):
        return
    ScrapeWorker.objects.update_or_create(name=name, defaults={"joins_at": now + settle, "until": until})
    ScrapeWorker.objects.filter(until__lt=now - FORGOTTEN_AFTER).delete()


def leave(*, name: str) -> None:
    """The process ends; its share goes to the others at once."""
    ScrapeWorker.objects.filter(name=name).delete()


def write_snapshots(*, worker: str, snapshots: Sequence[ScrapeSnapshot]) -> None:
    """Replace what `worker` said before by `snapshots`."""
    with transaction.atomic():
        ScrapeSnapshot.objects.filter(worker=worker).delete()
        ScrapeSnapshot.objects.filter(at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
        ScrapeSnapshot.objects.bulk_create(snapshots)
