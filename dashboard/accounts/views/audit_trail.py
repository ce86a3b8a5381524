"""`/settings/audit-trail`: who changed what, when and from where."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_POST

from dashboard.accounts.csv_export import csv_response
from dashboard.accounts.declarations import requires
from fleet.actions.audit import verify_chain
from fleet.models import AuditEvent

PAGE_ROWS: Final = 100
COLUMNS: Final = ("at", "actor", "action", "object_type", "object_id", "detail", "ip", "request_id", "hash")


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """What part of the trail is wanted: words of the actor, action and object, and days (both included, UTC)."""

    actor: str = ""
    action: str = ""
    object: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "TrailFilter":
        return cls(**{name: request.GET.get(name, "").strip()[:200] for name in cls.__slots__})

    def events(self) -> QuerySet[AuditEvent]:
        """Events that match, newest first. A day that cannot be read does not filter."""
        query = Q()
        if self.actor:
            query &= Q(actor__icontains=self.actor)
        if self.action:
            query &= Q(action__icontains=self.action)
        if self.object:
            query &= Q(object_type__icontains=self.object) | Q(object_id__icontains=self.object)
        if since := _day(self.since):
            query &= Q(at__gte=datetime.combine(since, time.min, UTC))
        if until := _day(self.until):
            query &= Q(at__lte=datetime.combine(until, time.max, UTC))
        return AuditEvent.objects.filter(query).order_by("-pk")

    @property
    def query(self) -> str:
        """The filter as part of an address."""
        return urlencode({name: value for name in self.__slots__ if (value := getattr(self, name))})


@requires("view:audit")
@require_GET
def audit_trail(request: HttpRequest) -> HttpResponseBase:
    """One page of the trail; `before` is the number of the event that the page before ended with."""
    wanted, before = TrailFilter.of(request), request.GET.get("before", "")
    events = wanted.events()
    if before.isascii() and before.isdigit():
        events = events.filter(pk__lt=min(int(before), 2**63 - 1))
    rows = list(events[: PAGE_ROWS + 1])
    context = {
        "page_title": "Audit trail",
        "filter": wanted,
        "events": rows[:PAGE_ROWS],
        "rows": [(event, details(event)) for event in rows[:PAGE_ROWS]],
        "next_before": rows[PAGE_ROWS - 1].pk if len(rows) > PAGE_ROWS else None,
        "actions": AuditEvent.objects.order_by("action").values_list("action", flat=True).distinct(),
    }
    return render(request, "accounts/audit_trail.html", context)


@requires("view:audit")
@require_POST
def verify(request: HttpRequest) -> HttpResponseBase:
    """Recompute the whole chain. POST because it reads every event, so it is not done by chance."""
    return render(request, "accounts/audit_verified.html", {"page_title": "Audit trail", "state": verify_chain()})


@requires("view:audit")
@require_GET
def audit_csv(request: HttpRequest) -> HttpResponseBase:
    """The filtered trail as CSV, streamed."""
    return csv_response("audit-trail.csv", COLUMNS, _csv_rows(TrailFilter.of(request).events()))


def details(event: AuditEvent) -> list[tuple[str, str]]:
    """Name and text of each detail; lists joined, what is empty left out."""
    return [(name, _text(value)) for name, value in event.detail.items() if value not in (None, "", [], {})]


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return json.dumps(value, sort_keys=True, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _csv_rows(events: QuerySet[AuditEvent]) -> Iterator[list[object]]:
    for event in events.iterator(chunk_size=1000):
        detail = json.dumps(event.detail, sort_keys=True, ensure_ascii=False)
        yield [
            event.at.isoformat(),
            event.actor,
            event.action,
            event.object_type,
            event.object_id,
            detail,
            event.ip,
            event.request_id,
            event.hash,
        ]


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
