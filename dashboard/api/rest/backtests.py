"""`/api/backtests`, `/api/scaling-policies`: policies as documents, replayed over recorded load."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema, Status
from ninja.errors import HttpError

from dashboard.accounts.actor import actor_of
from dashboard.accounts.ninja_auth import Requires
from dashboard.api.rest.paging import AfterId, Limit, page_by_falling_id
from dashboard.api.rest.schemas import Problem
from dashboard.backtests.ask import ask
from dashboard.backtests.question import BadQuestion, LoadKind, Question, question_of
from dashboard.backtests.run import document_of
from fleet.actions.scaling import save_scaling_policy
from fleet.models import Backtest, ScalingPolicy, Service
from fleet.selectors.scaling import backtests, scaling_policies
from policies.documents.located import DocumentError
from policies.scaling.backtest.documents import read_policies
from telemetry.store import current

router = Router(tags=["scaling"])


class PolicyText(Schema):
    name: str = Field("policy", max_length=200, description="stands for documents that have no name")
    text: str = Field(max_length=200_000, description="autoscaling/v2, KEDA ScaledObject or belvedere/v1, as YAML")


class BacktestIn(Schema):
    service: str
    environment: str = ""
    start_ms: int = Field(ge=0, le=2**53)
    end_ms: int = Field(ge=0, le=2**53, description="included")
    policies: list[PolicyText] = Field(default_factory=list, max_length=20)
    recorded: bool = Field(True, description="replay the policy that the autoscaler's own metrics describe, too")
    load: LoadKind = "requests"
    query: str = Field("", max_length=4000, description="PromQL with one series, for load = query")
    step_seconds: int = 15
    start_up_seconds: int = 60
    capacity: float | None = Field(None, description="load one replica carries; learned where it is not given")
    objective_seconds: float = Field(0.5, description="95th percentile of latency that is aimed at")
    price: str = Field("0.04", max_length=30, description="of a replica hour")
    currency: str = Field("USD", max_length=8)
    search: int = Field(0, description="candidates tried around each policy")
    factor: float = Field(1.0, description="the load is multiplied by it: what if there were so much traffic")


class BacktestOut(Schema):
    key: str
    service: str
    environment: str
    state: str = Field(description="running, done or failed")
    error: str
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None
    progress_ratio: float


class BacktestFull(BacktestOut):
    question: dict[str, Any]
    result: dict[str, Any] | None


class BacktestPage(Schema):
    items: list[BacktestOut]
    next: str | None


class PolicyIn(Schema):
    service: str
    environment: str = ""
    text: str = Field(max_length=200_000)


class PolicyOut(Schema):
    id: int
    name: str
    service: str
    environment: str
    version: int
    text: str
    changed_by: str
    changed_at: datetime


@router.post(
    "/backtests",
    response={200: BacktestFull, 202: BacktestFull, 422: Problem},
    auth=Requires("query"),
    summary="Replay policies over recorded load; 202 while a job does it",
)
def post_backtest(request: HttpRequest, asked: BacktestIn) -> Status[BacktestFull]:
    values = asked.model_dump()
    policies = tuple((one["name"], one["text"]) for one in values.pop("policies"))
    try:
        row = ask(Question(**values, policies=policies), actor_of(request).audit_name)
    except (BadQuestion, DocumentError) as error:
        raise HttpError(422, str(error)) from error
    return Status(200 if row.finished_at else 202, _full(row))


@router.get("/backtests", response=BacktestPage, auth=Requires("query"), summary="Back-tests, newest first")
def list_backtests(request: HttpRequest, limit: Limit = 100, after: AfterId = None, service: str = "") -> BacktestPage:
    found, following = page_by_falling_id(backtests(service), limit, after)
    return BacktestPage(items=[BacktestOut(**_fields(row)) for row in found], next=following)


@router.get(
    "/backtests/{key}", response={200: BacktestFull, 404: Problem}, auth=Requires("query"), summary="One back-test"
)
def show_backtest(request: HttpRequest, key: str) -> BacktestFull:
    return _full(_found(key))


@router.get(
    "/backtests/{key}/document",
    response={200: Any, 404: Problem},
    auth=Requires("query"),
    summary="YAML of a policy or candidate of a back-test",
)
def backtest_document(request: HttpRequest, key: str, policy: str) -> HttpResponse:
    try:
        text = document_of(question_of(_found(key).question), current(), policy)
    except BadQuestion as error:
        raise HttpError(404, str(error)) from error
    return HttpResponse(text, content_type="application/yaml; charset=utf-8")


@router.get("/scaling-policies", response=list[PolicyOut], auth=Requires("query"), summary="Stored scaling policies")
def list_policies(request: HttpRequest, service: str = "") -> list[PolicyOut]:
    return [_policy(row) for row in scaling_policies(service)]


@router.post(
    "/scaling-policies",
    response={200: PolicyOut, 422: Problem},
    auth=Requires("manage:scaling"),
    summary="Save a policy, or a new version of it; nothing is applied to a cluster",
)
def post_policy(request: HttpRequest, given: PolicyIn) -> PolicyOut:
    service = Service.objects.filter(name=given.service).first()
    if service is None:
        raise HttpError(422, f"there is no service called {given.service!r}")
    try:
        reads = read_policies(given.text, "policy")
    except DocumentError as error:
        raise HttpError(422, str(error)) from error
    if len(reads) > 1:
        raise HttpError(422, f"the text holds {len(reads)} documents; expected one")
    return _policy(
        save_scaling_policy(
            service=service,
            environment=given.environment,
            name=reads[0].plan.name,
            text=given.text,
            actor=actor_of(request).audit_name,
        )
    )


def _found(key: str) -> Backtest:
    row = Backtest.objects.select_related("service", "job").filter(key=key).first()
    if row is None:
        raise HttpError(404, f"there is no back-test {key!r}")
    return row


def _fields(row: Backtest) -> dict[str, Any]:
    return {
        "key": row.key,
        "service": row.service.name,
        "environment": row.environment,
        "state": "failed" if row.error else "done" if row.finished_at else "running",
        "error": row.error,
        "asked_by": row.asked_by,
        "asked_at": row.asked_at,
        "finished_at": row.finished_at,
        "progress_ratio": 1.0 if row.finished_at else row.job.progress_ratio if row.job else 0.0,
    }


def _full(row: Backtest) -> BacktestFull:
    return BacktestFull(**_fields(row), question=row.question, result=row.result)


def _policy(row: ScalingPolicy) -> PolicyOut:
    return PolicyOut(
        id=row.pk,
        name=row.name,
        service=row.service.name,
        environment=row.environment,
        version=row.version,
        text=row.text,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )
