"""What ran where on a day: components of the inventories that were in force then."""

from datetime import datetime

from django.db.models import Q, QuerySet

from fleet.models import AuditReport, Component


def reports_at(at: datetime | None = None) -> QuerySet[AuditReport]:
    """Inventories in force at `at` (now if None), one a service, environment and source."""
    reports = AuditReport.objects.select_related("service", "environment", "deployment")
    if at is None:
        return reports.filter(current=True)
    lasting = Q(replaced_at=None) | Q(replaced_at__gt=at)
    return reports.filter(lasting, first_received_at__lte=at)


def components_at(
    at: datetime | None = None, *, service: str = "", environment: str = "", package: str = "", unknown: bool = False
) -> QuerySet[Component]:
    """Components of `reports_at`; empty words narrow nothing, `package` is a part of a name."""
    rows = Component.objects.filter(report__in=reports_at(at))
    rows = rows.select_related("report__service", "report__environment", "report__deployment")
    if service:
        rows = rows.filter(report__service__name=service)
    if environment:
        rows = rows.filter(report__environment__name=environment)
    if package:
        rows = rows.filter(name__icontains=package)
    return rows.exclude(skip_reason="") if unknown else rows
