"""Services as lists and cards show them, in a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, OuterRef, QuerySet, Subquery

from fleet.models import Deployment, Finding, Service
from fleet.selectors.findings import SEVERITY_CONDITIONS, UNDECIDED_STATES


@dataclass(frozen=True, slots=True)
class OpenFindings:
    """Open findings of one service by severity; `unrated` have no published score."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    unrated: int = 0

    @property
    def total(self) -> int:
        return self.critical + self.high + self.medium + self.low + self.unrated


def services() -> QuerySet[Service]:
    """All services by name, team joined."""
    return Service.objects.select_related("team").order_by("name")


def services_by_name() -> dict[str, Service]:
    """Every service by its name, team joined."""
    return {service.name: service for service in services()}


def newest_deployments(service_ids: Iterable[int] | None = None) -> dict[int, Deployment]:
    """Service id -> its newest deployment, one query."""
    newest = Deployment.objects.filter(service=OuterRef("service")).order_by("-deployed_at", "-pk").values("pk")[:1]
    rows = Deployment.objects.filter(pk=Subquery(newest)).select_related("environment")
    if service_ids is not None:
        rows = rows.filter(service_id__in=list(service_ids))
    return {row.service_id: row for row in rows}


def open_findings_by_service() -> dict[int, OpenFindings]:
    """Service id -> counts of open findings, one query; services without any are absent."""
    counts = {name: Count("pk", filter=condition) for name, condition in SEVERITY_CONDITIONS.items()}
    rows = Finding.objects.filter(state__in=UNDECIDED_STATES).order_by().values("service").annotate(**counts)
    return {service: OpenFindings(*found) for service, *found in rows.values_list("service", *counts)}
