"""Writes the audit trail: each event carries the hash of the one before it, so that a gap or an edit shows."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from fleet.models import AuditEvent

GENESIS: Final = "0" * 64
_LOCK_KEY: Final = 0x42454C56
_SECRET_WORDS: Final = ("password", "secret", "token_value", "key", "authorization", "cookie")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the work at hand came from."""

    ip: str | None = None
    request_id: str = ""


_NOWHERE: Final = Origin()
_origin: ContextVar[Origin] = ContextVar("audit_origin", default=_NOWHERE)


@contextmanager
def origin(ip: str | None, request_id: str) -> Iterator[None]:
    """Events recorded inside carry this address and request id, unless the caller of `record` names others."""
    token = _origin.set(Origin(ip, request_id))
    try:
        yield
    finally:
        _origin.reset(token)


def record(
    *,
    actor: str,
    action: str,
    object_type: str = "",
    object_id: str = "",
    detail: Mapping[str, Any] | None = None,
    ip: str | None = None,
    request_id: str = "",
) -> AuditEvent:
    """Append one event inside the caller's transaction; values of secret-looking keys are masked."""
    here = _origin.get()
    with transaction.atomic():
        _serialise_writers()
        newest = AuditEvent.objects.order_by("-pk").first()
        event = AuditEvent(
            at=timezone.now(),
            actor=actor,
            action=action,
            object_type=object_type,
            object_id=object_id,
            detail=masked(detail or {}),
            ip=ip or here.ip,
            request_id=request_id or here.request_id,
            previous_hash=newest.hash if newest else GENESIS,
        )
        event.hash = event_hash(event)
        event.save(force_insert=True)
    return event


def _serialise_writers() -> None:
    """One writer at a time: SQLite transactions are immediate already, PostgreSQL needs a lock."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])


def masked(detail: Mapping[str, Any]) -> dict[str, Any]:
    """`detail` with the values of secret-looking keys replaced, at any depth."""
    return {key: "***" if _is_secret(key) else _masked_value(value) for key, value in detail.items()}


def _masked_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return masked(value)
    if isinstance(value, list):
        return [_masked_value(entry) for entry in value]
    return value


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRET_WORDS)


def event_hash(event: AuditEvent) -> str:
    """SHA-256 over the canonical JSON of the event and the hash before it."""
    content = [
        event.previous_hash,
        _timestamp(event.at),
        event.actor,
        event.action,
        event.object_type,
        event.object_id,
        event.detail,
        event.ip,
        event.request_id,
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _timestamp(at: datetime) -> str:
    return at.astimezone(tz=timezone.get_default_timezone()).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class ChainState:
    """Result of checking the trail: how many events hold together, and the first that does not."""

    events: int
    broken_at: int | None
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        return self.broken_at is None


def verify_chain() -> ChainState:
    """Recompute every hash from the first event on. Linear in the number of events, constant memory."""
    expected, count = GENESIS, 0
    for event in _events():
        if event.previous_hash != expected:
            return ChainState(count, event.pk, "an event before it is missing or was changed")
        if event_hash(event) != event.hash:
            return ChainState(count, event.pk, "its content was changed")
        expected, count = event.hash, count + 1
    return ChainState(count, None)


def _events() -> Iterator[AuditEvent]:
    return AuditEvent.objects.order_by("pk").iterator(chunk_size=2000)
