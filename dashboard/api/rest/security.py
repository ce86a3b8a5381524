"""`/api/findings`, `/api/components`, `/api/advisory-feeds`: what runs, what is wrong with it, how fresh that is."""

from datetime import UTC, datetime

from django.http import HttpRequest
from ninja import Router

from dashboard.accounts.ninja_auth import Requires
from dashboard.api.rest.paging import AfterId, Limit, page_by_falling_id
from dashboard.api.rest.schemas import ComponentOut, ComponentPage, FeedOut, FindingOut, FindingPage
from fleet.models import AdvisoryFeed, Component, Finding
from fleet.selectors.components import components_at

router = Router(tags=["security"])


@router.get("/findings", response=FindingPage, auth=Requires("view:security"), summary="Findings, newest first")
def list_findings(
    request: HttpRequest,
    limit: Limit = 100,
    after: AfterId = None,
    service: str | None = None,
    state: Finding.State | None = None,
) -> FindingPage:
    rows = Finding.objects.select_related("service", "environment")
    if service is not None:
        rows = rows.filter(service__name=service)
    if state is not None:
        rows = rows.filter(state=state)
    found, following = page_by_falling_id(rows, limit, after)
    return FindingPage(items=[_finding_out(row) for row in found], next=following)


@router.get(
    "/components",
    response=ComponentPage,
    auth=Requires("view:security"),
    summary="Components that run now, or ran where at a time in the past",
)
def list_components(
    request: HttpRequest,
    limit: Limit = 100,
    after: AfterId = None,
    service: str = "",
    environment: str = "",
    package: str = "",
    at: datetime | None = None,
    unknown: bool = False,
) -> ComponentPage:
    moment = at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
    rows = components_at(moment, service=service, environment=environment, package=package, unknown=unknown)
    found, following = page_by_falling_id(rows, limit, after)
    return ComponentPage(items=[_component_out(row) for row in found], next=following)


def _component_out(row: Component) -> ComponentOut:
    report = row.report
    return ComponentOut(
        id=row.pk,
        service=report.service.name,
        environment=report.environment.name,
        source=report.source,
        service_version=report.version or (report.deployment.version if report.deployment else ""),
        ecosystem=row.ecosystem,
        name=row.name,
        version=row.version,
        purl=row.purl,
        skip_reason=row.skip_reason,
    )


@router.get(
    "/advisory-feeds", response=list[FeedOut], auth=Requires("view:security"), summary="Advisory feeds and their age"
)
def list_feeds(request: HttpRequest) -> list[FeedOut]:
    return [
        FeedOut(
            name=row.name,
            source=row.source,
            advisories=row.advisories,
            imported_at=row.imported_at,
            newest_modified=row.newest_modified,
            last_error=row.last_error,
        )
        for row in AdvisoryFeed.objects.all()
    ]


def _finding_out(row: Finding) -> FindingOut:
    return FindingOut(
        id=row.pk,
        service=row.service.name,
        environment=row.environment.name,
        ecosystem=row.ecosystem,
        package=row.package,
        version=row.version,
        advisory_id=row.advisory_id,
        aliases=row.aliases,
        summary=row.summary,
        fix_versions=row.fix_versions,
        severity_score=row.severity_score,
        state=row.state,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
    )
