"""Errors of the logs with their services and releases, and saved searches, in a fixed number of queries."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from fleet.models import Deployment, LoggedError, SavedSearch


def logged_errors(state: str = "", service: str = "", since: datetime | None = None) -> list[LoggedError]:
    """Errors, the one seen last first, services prefetched; two queries."""
    rows = LoggedError.objects.prefetch_related("services")
    if state:
        rows = rows.filter(state=state)
    if service:
        rows = rows.filter(services__name=service)
    if since is not None:
        rows = rows.filter(last_seen_at__gte=since)
    return list(rows)


def errors_by_state(service: str = "", since: datetime | None = None) -> dict[str, int]:
    """State -> number of errors, one query."""
    wanted = Q(services__name=service) if service else Q()
    if since is not None:
        wanted &= Q(last_seen_at__gte=since)
    rows = LoggedError.objects.filter(wanted).order_by().values("state").annotate(errors=Count("pk"))
    return dict(rows.values_list("state", "errors"))


@dataclass(frozen=True, slots=True)
class Releases:
    """Deployments of some services, oldest first; answers without further queries."""

    by_service: dict[str, list[Deployment]]

    def at(self, service: str, moment: datetime) -> Deployment | None:
        """What `service` ran at `moment`; None before its first known deployment."""
        known = self.by_service.get(service, [])
        place = bisect_right(known, moment, key=lambda deployment: deployment.deployed_at)
        return known[place - 1] if place else None

    def last(self, service: str) -> Deployment | None:
        known = self.by_service.get(service)
        return known[-1] if known else None


def releases(services: Iterable[str]) -> Releases:
    """Deployments of `services`, one query."""
    rows = Deployment.objects.filter(service__name__in=set(services)).select_related("service", "environment")
    by_service: dict[str, list[Deployment]] = defaultdict(list)
    for row in rows.order_by("deployed_at", "pk"):
        by_service[row.service.name].append(row)
    return Releases(dict(by_service))


def saved_searches(owner: str) -> Sequence[SavedSearch]:
    """Those of `owner` and those for everyone, by name."""
    return list(SavedSearch.objects.filter(Q(owner=owner) | Q(shared=True)))
