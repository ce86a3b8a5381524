"""`/api/gate`, `/api/findings/...`, `/api/vex`, `/api/dependency-policy`: what to fix first, what was decided."""

import json
import uuid
from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Query, Router, Schema
from ninja.errors import HttpError

from collectors.receivers.limits import decode_limits
from dashboard.accounts.actor import actor_of
from dashboard.accounts.ninja_auth import Requires
from dashboard.api.rest.schemas import Problem
from dashboard.dependency_gate import check_gate
from dashboard.panels.finding_ranks import ranked_findings, upgrades_first
from dashboard.panels.running import running_now
from fleet.actions.decisions import Decision, InvalidDecision, decide_findings
from fleet.inventory import InvalidReport
from fleet.models import AuditReport
from fleet.selectors.findings import FindingFilter, findings
from policies.dependencies.gate_reports import FORMATS
from policies.dependencies.in_force import policy_in_force, policy_text, save_policy
from policies.dependencies.rank import FACTOR_NAMES
from policies.dependencies.vex import vex_document
from policies.documents.located import DocumentError

router = Router(tags=["security"])

_TYPES = {"text": "text/plain; charset=utf-8", "junit": "application/xml"}


class FactorOut(Schema):
    name: str
    words: str
    multiplier: float
    known: bool
    counted: bool


class RankedFindingOut(Schema):
    id: int
    service: str
    environment: str
    package: str
    version: str
    advisory_id: str
    state: str
    owner: str
    rank: float
    factors: list[FactorOut]
    due_at: datetime | None
    overdue: bool | None


class UpgradeOut(Schema):
    package: str
    ecosystem: str
    target: str = Field(description="lowest version that closes all; empty where the order of versions is not sure")
    choices: list[str]
    findings: list[int]
    services: list[str]
    risk_closed: float
    share_ratio: float


class RankingOut(Schema):
    items: list[RankedFindingOut]
    fix_first: list[UpgradeOut]
    error: str = Field(description="why traffic and replicas are unknown, if they are")


class DecisionIn(Schema, extra="forbid"):
    findings: list[int] = Field(min_length=1, max_length=10_000)
    state: str | None = None
    reason: str = ""
    justification: str = ""
    owner: str | None = None


class DecisionOut(Schema):
    decision: int
    findings: int


class PolicyIn(Schema, extra="forbid"):
    text: str = Field(max_length=1_000_000)


class PolicyOut(Schema):
    text: str


@router.post("/gate", auth=Requires("view:security"), summary="Whether an inventory may go on, by the policy")
def gate(
    request: HttpRequest,
    service: Annotated[str, Query(min_length=1, max_length=200)],
    environment: Annotated[str, Query(min_length=1, max_length=100)] = "production",
    format: Literal["text", "json", "sarif", "junit"] = "json",
) -> HttpResponse:
    """The body is an inventory in any format that `/api/audits` takes. 200 also where it did not pass: see `passed`."""
    try:
        result = check_gate(
            request.body, decode_limits(), service=service, environment=environment, policy=policy_in_force()
        )
    except InvalidReport as error:
        raise HttpError(422, str(error)) from error
    answer = HttpResponse(FORMATS[format](result), content_type=_TYPES.get(format, "application/json"))
    answer["X-Belvedere-Gate"] = "passed" if result.passed else "failed"
    return answer


@router.get("/findings/ranked", response=RankingOut, auth=Requires("view:security"), summary="What to fix first")
def ranking(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    service: str = "",
    without: Annotated[list[str], Query(description="factors to leave out")] = [],  # noqa: B006 - never changed
) -> RankingOut:
    if wrong := next((name for name in without if name not in FACTOR_NAMES), None):
        raise HttpError(422, f"{wrong!r} is no factor; there are {', '.join(FACTOR_NAMES)}")
    running = running_now()
    found = ranked_findings(FindingFilter(service=service), running, timezone.now(), without=without)
    upgrades = [
        UpgradeOut(
            package=each.package,
            ecosystem=each.ecosystem,
            target=each.target,
            choices=list(each.choices),
            findings=[one.finding_id for one in each.findings],
            services=list(each.services),
            risk_closed=each.risk_closed,
            share_ratio=each.share_ratio,
        )
        for each in upgrades_first(found)
    ]
    items = [
        RankedFindingOut(
            id=each.row.pk,
            service=each.row.service.name,
            environment=each.row.environment.name,
            package=each.row.package,
            version=each.row.version,
            advisory_id=each.row.advisory_id,
            state=each.row.state,
            owner=each.row.owner,
            rank=each.rank.value,
            factors=[
                FactorOut(name=f.name, words=f.words, multiplier=f.multiplier, known=f.known, counted=f.counted)
                for f in each.rank.factors
            ],
            due_at=each.clock.due_at if each.clock else None,
            overdue=each.clock.is_overdue if each.clock else None,
        )
        for each in found[:limit]
    ]
    return RankingOut(items=items, fix_first=upgrades, error=running.error)


@router.post(
    "/findings/decisions",
    response={200: DecisionOut, 422: Problem},
    auth=Requires("manage:findings"),
    summary="Decide about findings",
)
def decide(request: HttpRequest, given: DecisionIn) -> DecisionOut:
    decision = Decision(given.state, given.reason, given.justification, given.owner)
    try:
        made = decide_findings(findings=given.findings, decision=decision, actor=actor_of(request).audit_name)
    except InvalidDecision as error:
        raise HttpError(422, str(error)) from error
    return DecisionOut(decision=made.pk, findings=len(made.before))


@router.get("/vex", auth=Requires("view:security"), summary="Decisions as a CycloneDX 1.6 VEX document")
def vex(request: HttpRequest, service: str, environment: str = "production") -> HttpResponse:
    """Every finding of the service in the environment, fixed ones too. 404 where neither is known."""
    rows = list(findings(FindingFilter(state="", service=service, environment=environment)))
    places = AuditReport.objects.filter(service__name=service, environment__name=environment)
    if not rows and not places.exists():
        raise HttpError(404, f"nothing was ever audited of {service!r} in {environment!r}")
    document = vex_document(service, environment, rows, timezone.now(), uuid.uuid4())
    answer = HttpResponse(json.dumps(document, indent=2), content_type="application/vnd.cyclonedx+json; version=1.6")
    answer["Content-Disposition"] = 'attachment; filename="vex.cdx.json"'
    return answer


@router.get("/dependency-policy", response=PolicyOut, auth=Requires("view:security"), summary="The policy in force")
def show_policy(request: HttpRequest) -> PolicyOut:
    return PolicyOut(text=policy_text())


@router.put(
    "/dependency-policy",
    response={200: PolicyOut, 422: Problem},
    auth=Requires("manage:findings"),
    summary="Put a dependency policy in force",
)
def put_policy(request: HttpRequest, given: PolicyIn) -> PolicyOut:
    try:
        row = save_policy(text=given.text, actor=actor_of(request).audit_name)
    except DocumentError as error:
        raise HttpError(422, str(error)) from error
    return PolicyOut(text=row.text)
