"""`/api/tokens`, `/api/audit-events`, `/api/jobs`: access and work of the product itself."""

from django.http import HttpRequest
from ninja import Router, Status
from ninja.errors import HttpError

from dashboard.accounts.actor import actor_of
from dashboard.accounts.ninja_auth import Requires
from dashboard.api.rest.paging import AfterId, Limit, page_by_falling_id
from dashboard.api.rest.schemas import AuditEventOut, AuditEventPage, JobOut, Problem, TokenOut
from fleet.models import ApiToken, AuditEvent, Job
from fleet.tokens import revoke_token

router = Router(tags=["administration"])


@router.get(
    "/tokens", response=list[TokenOut], auth=Requires("manage:tokens"), summary="API tokens, never their secrets"
)
def list_tokens(request: HttpRequest) -> list[TokenOut]:
    return [_token_out(row) for row in ApiToken.objects.select_related("service")]


@router.delete(
    "/tokens/{public_id}", response={204: None, 404: Problem}, auth=Requires("manage:tokens"), summary="Revoke a token"
)
def delete_token(request: HttpRequest, public_id: str) -> Status[None]:
    token = ApiToken.objects.filter(public_id=public_id, revoked_at=None).first()
    if token is None:
        raise HttpError(404, f"there is no valid token {public_id!r}")
    revoke_token(token=token, actor=actor_of(request).audit_name)
    return Status(204, None)


@router.get(
    "/audit-events", response=AuditEventPage, auth=Requires("view:audit"), summary="The audit trail, newest first"
)
def list_audit_events(
    request: HttpRequest, limit: Limit = 100, after: AfterId = None, action: str | None = None
) -> AuditEventPage:
    rows = AuditEvent.objects.all()
    if action is not None:
        rows = rows.filter(action=action)
    found, following = page_by_falling_id(rows, limit, after)
    return AuditEventPage(items=[_event_out(row) for row in found], next=following)


@router.get("/jobs", response=list[JobOut], auth=Requires("view:settings"), summary="The newest background jobs")
def list_jobs(request: HttpRequest, limit: Limit = 100) -> list[JobOut]:
    return [_job_out(row) for row in Job.objects.order_by("-pk")[:limit]]


def _token_out(row: ApiToken) -> TokenOut:
    return TokenOut(
        id=row.public_id,
        name=row.name,
        scopes=row.scopes,
        service=row.service.name if row.service else None,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def _event_out(row: AuditEvent) -> AuditEventOut:
    return AuditEventOut(
        id=row.pk,
        at=row.at,
        actor=row.actor,
        action=row.action,
        object_type=row.object_type,
        object_id=row.object_id,
        detail=row.detail,
        hash=row.hash,
        previous_hash=row.previous_hash,
    )


def _job_out(row: Job) -> JobOut:
    return JobOut(
        id=row.pk,
        kind=row.kind,
        state=row.state,
        progress_ratio=row.progress_ratio,
        message=row.message,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
