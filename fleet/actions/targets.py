"""Scrape targets come and go."""

from collections.abc import Mapping

from django.db import transaction

from fleet.actions.audit import record
from fleet.models import Target


class TargetExists(ValueError):
    """There is a target with this URL already."""


def add_target(
    *,
    url: str,
    job: str,
    actor: str,
    labels: Mapping[str, str] | None = None,
    interval_seconds: int | None = None,
    honor_labels: bool = False,
    builtin: bool = False,
) -> Target:
    """Scrape `url` from now on. Raises TargetExists if it is scraped already."""
    with transaction.atomic():
        target, created = Target.objects.get_or_create(
            url=url,
            defaults={
                "job": job,
                "labels": dict(labels or {}),
                "interval_seconds": interval_seconds,
                "honor_labels": honor_labels,
                "builtin": builtin,
            },
        )
        if not created:
            raise TargetExists(f"{url} is scraped already, as job {target.job!r}")
        record(
            actor=actor,
            action="target.added",
            object_type="target",
            object_id=str(target.pk),
            detail={"url": url, "job": job},
        )
    return target


def remove_target(*, target: Target, actor: str) -> None:
    """Stop scraping; its stored samples stay."""
    with transaction.atomic():
        record(
            actor=actor,
            action="target.removed",
            object_type="target",
            object_id=str(target.pk),
            detail={"url": target.url, "job": target.job},
        )
        target.delete()


def switch_target(*, target: Target, enabled: bool, actor: str) -> None:
    """Pause or resume the scraping of `target`."""
    if target.enabled == enabled:
        return
    with transaction.atomic():
        target.enabled = enabled
        target.save(update_fields=["enabled"])
        record(
            actor=actor,
            action="target.resumed" if enabled else "target.paused",
            object_type="target",
            object_id=str(target.pk),
            detail={"url": target.url},
        )
