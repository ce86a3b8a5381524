"""`/api/targets`: what is scraped."""

from django.http import HttpRequest
from ninja import Router, Status
from ninja.errors import HttpError

from dashboard.accounts.actor import actor_of
from dashboard.accounts.ninja_auth import Requires
from dashboard.api.rest.schemas import Problem, TargetIn, TargetOut
from fleet.actions.targets import TargetExists, add_target, remove_target
from fleet.models import Target

router = Router(tags=["targets"])


@router.get("/targets", response=list[TargetOut], auth=Requires("query"), summary="All scrape targets and their state")
def list_targets(request: HttpRequest) -> list[TargetOut]:
    return [_target_out(row) for row in Target.objects.select_related("service")]


@router.post(
    "/targets",
    response={201: TargetOut, 409: Problem, 422: Problem},
    auth=Requires("manage:targets"),
    summary="Scrape one more endpoint",
)
def create_target(request: HttpRequest, target: TargetIn) -> Status[TargetOut]:
    try:
        row = add_target(**target.model_dump(), actor=actor_of(request).audit_name)
    except TargetExists as error:
        raise HttpError(409, str(error)) from error
    return Status(201, _target_out(row))


@router.delete(
    "/targets/{target_id}", response={204: None, 404: Problem}, auth=Requires("manage:targets"), summary="Stop scraping"
)
def delete_target(request: HttpRequest, target_id: int) -> Status[None]:
    row = Target.objects.filter(pk=target_id, builtin=False).first()
    if row is None:
        raise HttpError(404, f"there is no target {target_id} that can be removed")
    remove_target(target=row, actor=actor_of(request).audit_name)
    return Status(204, None)


def _target_out(row: Target) -> TargetOut:
    return TargetOut(
        id=row.pk,
        job=row.job,
        url=row.url,
        service=row.service.name if row.service else None,
        labels=row.labels,
        interval_seconds=row.interval_seconds,
        honor_labels=row.honor_labels,
        enabled=row.enabled,
        up=row.up,
        last_scrape_at=row.last_scrape_at,
        last_error=row.last_error,
        last_samples=row.last_samples,
    )
