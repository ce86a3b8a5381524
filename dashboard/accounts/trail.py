"""Writes to the audit trail in the name of whoever made a request."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from dashboard.accounts.actor import actor_of
from fleet.actions.audit import record
from fleet.models import AuditEvent


def note(
    request: HttpRequest,
    action: str,
    *,
    object_type: str = "",
    object_id: object = "",
    detail: Mapping[str, Any] | None = None,
    actor: str | None = None,
) -> AuditEvent:
    """Append one event with the actor of `request`, inside the caller's transaction; the gate adds address and id."""
    return record(
        actor=actor or actor_of(request).audit_name,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        detail=detail,
    )


def request_id(request: HttpRequest) -> str:
    """The id that the server gave the request; it is also in the answer's X-Request-ID and in the log."""
    return str(getattr(request, "scope", {}).get("request_id", ""))
