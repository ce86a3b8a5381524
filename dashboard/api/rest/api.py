"""Puts the REST API together: routers, error form, OpenAPI."""

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from dashboard.api.errors import describe
from dashboard.api.rest import administration, backtests, budgets, findings, logs, security, services, targets
from fleet.actions.services import InvalidName
from telemetry.model.errors import TelemetryError

api = NinjaAPI(
    title="Belvedere",
    version="1",
    description="The fleet, its findings, logs and targets. Send `Authorization: Bearer TOKEN`.",
    docs_url=None,
    urls_namespace="rest",
)
for module in (services, targets, findings, security, logs, backtests, administration, budgets):
    api.add_router("", module.router)


def problem(status: int, code: str, sentence: str) -> HttpResponse:
    return JsonResponse({"error": sentence, "code": code}, status=status, encoder=DjangoJSONEncoder)


@api.exception_handler(HttpError)
def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, "not_found" if error.status_code == 404 else "refused", str(error))


@api.exception_handler(AuthenticationError)
def unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(401, "unauthorized", "a valid token or a verified session is needed")


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    places = ("; ".join(f"{'.'.join(map(str, part['loc'][1:]))}: {part['msg']}" for part in error.errors))[:2000]
    return problem(422, "invalid", places)


@api.exception_handler(InvalidName)
def invalid_name(request: HttpRequest, error: InvalidName) -> HttpResponse:
    return problem(422, "invalid", str(error))


@api.exception_handler(TelemetryError)
def telemetry_failed(request: HttpRequest, error: TelemetryError) -> HttpResponse:
    described = describe(error)
    return problem(described.status, described.code, described.sentence)
