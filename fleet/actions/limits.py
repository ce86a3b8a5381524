"""Limits of services are set and lifted; each change is in force within seconds."""

from django.db import transaction

from fleet.actions.audit import record
from fleet.models import ServiceLimit
from fleet.selectors.limits import forget_cached_limits


def set_service_limit(
    *,
    service: str,
    max_series: int | None,
    new_series_per_hour: int | None,
    samples_per_second: int | None,
    actor: str,
) -> ServiceLimit:
    """The limits of `service` from now on, in place of those it had; None is the limit of the settings, or none."""
    limits = {
        "max_series": max_series,
        "new_series_per_hour": new_series_per_hour,
        "samples_per_second": samples_per_second,
    }
    with transaction.atomic():
        row, _ = ServiceLimit.objects.update_or_create(service=service, defaults=limits)
        record(actor=actor, action="limits.set", object_type="service_limit", object_id=service, detail=limits)
    forget_cached_limits()
    return row


def lift_service_limit(*, limit: ServiceLimit, actor: str) -> None:
    """The service has the limits of the settings again."""
    with transaction.atomic():
        record(actor=actor, action="limits.lifted", object_type="service_limit", object_id=limit.service)
        limit.delete()
    forget_cached_limits()
