"""`/api/services`, `/api/deployments`, `/api/teams`: who and what."""

from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from ninja import Query, Router
from ninja.errors import HttpError

from dashboard.accounts.actor import actor_of
from dashboard.accounts.ninja_auth import Requires
from dashboard.api.rest.paging import AfterId, Limit, page_by_falling_id
from dashboard.api.rest.schemas import (
    DeploymentOut,
    DeploymentPage,
    Problem,
    ServiceChange,
    ServiceOut,
    ServicePage,
    SeverityCounts,
)
from fleet.actions.services import change_service
from fleet.models import Deployment, Service, Team
from fleet.selectors.services import OpenFindings, newest_deployments, open_findings_by_service, services

router = Router(tags=["fleet"])


@router.get("/services", response=ServicePage, auth=Requires("query"), summary="All services, by name")
def list_services(
    request: HttpRequest,
    limit: Limit = 100,
    after: Annotated[str | None, Query(description="name of the last service seen")] = None,
    team: str | None = None,
) -> ServicePage:
    rows = services()
    if after is not None:
        rows = rows.filter(name__gt=after)
    if team is not None:
        rows = rows.filter(team__name=team)
    found = list(rows[: limit + 1])
    shown = found[:limit]
    return ServicePage(items=_described(shown), next=shown[-1].name if len(found) > limit else None)


@router.get("/services/{name}", response={200: ServiceOut, 404: Problem}, auth=Requires("query"), summary="One service")
def show_service(request: HttpRequest, name: str) -> ServiceOut:
    return _described([_service(name)])[0]


@router.patch(
    "/services/{name}",
    response={200: ServiceOut, 404: Problem, 422: Problem},
    auth=Requires("manage:services"),
    summary="Change a service",
)
def update_service(request: HttpRequest, name: str, change: ServiceChange) -> ServiceOut:
    service = _service(name)
    values: dict[str, Any] = change.model_dump(exclude_unset=True)
    with transaction.atomic():
        if "team" in values:
            values["team"] = _team(values["team"])
        change_service(service=service, values=values, actor=actor_of(request).audit_name)
    return _described([_service(name)])[0]


@router.get("/deployments", response=DeploymentPage, auth=Requires("query"), summary="Deployments, newest record first")
def list_deployments(
    request: HttpRequest, limit: Limit = 100, after: AfterId = None, service: str | None = None
) -> DeploymentPage:
    rows = Deployment.objects.select_related("service", "environment")
    if service is not None:
        rows = rows.filter(service__name=service)
    found, following = page_by_falling_id(rows, limit, after)
    return DeploymentPage(items=[deployment_out(row, row.service.name) for row in found], next=following)


def deployment_out(row: Deployment, service_name: str) -> DeploymentOut:
    return DeploymentOut(
        id=row.pk,
        service=service_name,
        environment=row.environment.name,
        version=row.version,
        commit=row.commit,
        deployed_at=row.deployed_at,
        description=row.description,
    )


def _service(name: str) -> Service:
    service = services().filter(name=name).first()
    if service is None:
        raise HttpError(404, f"there is no service called {name!r}")
    return service


def _team(name: str | None) -> Team | None:
    if name is None:
        return None
    team = Team.objects.filter(name=name).first()
    if team is None:
        raise HttpError(422, f"there is no team called {name!r}")
    return team


def _described(rows: list[Service]) -> list[ServiceOut]:
    """Two queries more, however many rows."""
    deployments = newest_deployments(row.pk for row in rows)
    findings = open_findings_by_service()
    return [_service_out(row, deployments.get(row.pk), findings.get(row.pk, OpenFindings())) for row in rows]


def _service_out(row: Service, deployment: Deployment | None, findings: OpenFindings) -> ServiceOut:
    return ServiceOut(
        name=row.name,
        team=row.team.name if row.team else None,
        origin=row.origin,
        description=row.description,
        runbook_url=row.runbook_url,
        internet_facing=row.internet_facing,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        last_deployment=deployment_out(deployment, row.name) if deployment else None,
        open_findings=SeverityCounts(
            critical=findings.critical,
            high=findings.high,
            medium=findings.medium,
            low=findings.low,
            unrated=findings.unrated,
        ),
    )
