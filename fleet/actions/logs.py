"""Errors of the logs are noted, resolved, ignored and come back; searches are saved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from fleet.actions.audit import record
from fleet.actions.services import checked_name
from fleet.models import LoggedError, SavedSearch, Service
from fleet.names import storable

BATCH_ROWS: Final = 500
MOST_SEARCHES: Final = 100
"""Saved searches of one person."""


class CannotSave(ValueError):
    """A search that cannot be saved; the message says why."""


@dataclass(frozen=True, slots=True)
class SeenError:
    """An error as the store tells it, in one service."""

    fingerprint: str
    service: str
    type: str
    title: str
    culprit: str
    first_seen_at: datetime
    last_seen_at: datetime


def note_errors(seen: Sequence[SeenError]) -> int:
    """Give every error a row; open those again that happened after they were resolved. Returns how many are new."""
    together: dict[str, list[SeenError]] = {}
    for one in seen:
        together.setdefault(one.fingerprint, []).append(one)
    with transaction.atomic():
        known = {row.fingerprint: row for row in LoggedError.objects.filter(fingerprint__in=together)}
        new = [_new_error(group) for fingerprint, group in together.items() if fingerprint not in known]
        LoggedError.objects.bulk_create(new, batch_size=BATCH_ROWS, ignore_conflicts=True)
        changed = [row for fingerprint, row in known.items() if _moved_on(row, together[fingerprint])]
        LoggedError.objects.bulk_update(
            changed, ["first_seen_at", "last_seen_at", "state", "reopened_at"], batch_size=BATCH_ROWS
        )
        _link_services(together)
    return len(new)


def _new_error(group: Sequence[SeenError]) -> LoggedError:
    first = group[0]
    return LoggedError(
        fingerprint=first.fingerprint,
        type=storable(first.type)[:300],
        title=storable(first.title)[:400],
        culprit=storable(first.culprit)[:600],
        first_seen_at=min(one.first_seen_at for one in group),
        last_seen_at=max(one.last_seen_at for one in group),
    )


def _moved_on(row: LoggedError, group: Sequence[SeenError]) -> bool:
    """Whether `row` was changed by what was seen."""
    first = min(one.first_seen_at for one in group)
    last = max(one.last_seen_at for one in group)
    if first >= row.first_seen_at and last <= row.last_seen_at:
        return False
    row.first_seen_at, row.last_seen_at = min(first, row.first_seen_at), max(last, row.last_seen_at)
    if row.state == LoggedError.State.RESOLVED and row.decided_at is not None and last > row.decided_at:
        row.state, row.reopened_at = LoggedError.State.OPEN, timezone.now()
        record(
            actor="system:logs",
            action="error.reopened",
            object_type="logged error",
            object_id=row.fingerprint,
            detail={"error": str(row)[:200], "resolved_by": row.decided_by},
        )
    return True


def _link_services(together: Mapping[str, Iterable[SeenError]]) -> None:
    rows = dict(LoggedError.objects.filter(fingerprint__in=together).values_list("fingerprint", "pk"))
    names = {one.service for group in together.values() for one in group}
    services = dict(Service.objects.filter(name__in=names).values_list("name", "pk"))
    through = LoggedError.services.through
    links = {
        (rows[one.fingerprint], services[one.service])
        for group in together.values()
        for one in group
        if one.fingerprint in rows and one.service in services
    }
    have = set(through.objects.filter(loggederror_id__in=rows.values()).values_list("loggederror_id", "service_id"))
    through.objects.bulk_create(
        [through(loggederror_id=error, service_id=service) for error, service in links - have], ignore_conflicts=True
    )


def decide_error(*, fingerprint: str, state: str, actor: str) -> tuple[LoggedError, str]:
    """Set the state of an error; (the error, its former state). Raises LoggedError.DoesNotExist, ValueError."""
    if state not in LoggedError.State.values:
        raise ValueError(f"state {state!r} is none of {', '.join(LoggedError.State.values)}")
    with transaction.atomic():
        row = LoggedError.objects.select_for_update().get(fingerprint=fingerprint)
        before = row.state
        if before != state:
            row.state, row.decided_by, row.decided_at = state, actor, timezone.now()
            row.save(update_fields=["state", "decided_by", "decided_at"])
            record(
                actor=actor,
                action=f"error.{state}" if state != LoggedError.State.OPEN else "error.opened_again",
                object_type="logged error",
                object_id=fingerprint,
                detail={"error": str(row)[:200], "before": before, "after": state},
            )
    return row, before


def save_search(*, name: str, query: str, shared: bool, owner: str, actor: str) -> SavedSearch:
    """Keep a search under a name; the same name of the same owner is replaced. Raises InvalidName, CannotSave."""
    if len(query) > 2000:
        raise CannotSave(f"the search has {len(query)} characters; the limit is 2000")
    mine = SavedSearch.objects.filter(owner=owner)
    checked = checked_name(name, "name of the search", 100)
    if mine.exclude(name=checked).count() >= MOST_SEARCHES:
        raise CannotSave(f"you have {MOST_SEARCHES} saved searches already, which is the limit")
    with transaction.atomic():
        search, _ = SavedSearch.objects.update_or_create(
            owner=owner, name=checked, defaults={"query": query, "shared": shared}
        )
        record(
            actor=actor,
            action="search.saved",
            object_type="saved search",
            object_id=str(search.pk),
            detail={"name": checked, "shared": shared},
        )
    return search


def remove_search(*, search: SavedSearch, actor: str) -> None:
    """Forget a saved search."""
    with transaction.atomic():
        record(
            actor=actor,
            action="search.removed",
            object_type="saved search",
            object_id=str(search.pk),
            detail={"name": search.name},
        )
        search.delete()
