"""The page of one service."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.panels.daily_spend import NO_SPEND, daily_spend
from dashboard.panels.service import (
    dependencies_of,
    deployment_marks,
    deployments_of,
    senders_of,
    service_telemetry,
)
from dashboard.panels.time_range import page_range
from fleet.models import Service
from fleet.selectors.log_care import sampling_of
from fleet.selectors.services import services


@requires("view:fleet")
@require_GET
def service_page(request: HttpRequest, name: str = "") -> HttpResponse:
    """Everything about the service `name`; names that a path cannot carry come as `?name=`."""
    name = name or request.GET.get("name", "")
    if not name:
        return redirect("/")
    try:
        service = services().get(name=name)
    except Service.DoesNotExist as error:
        raise Http404(f"there is no service {name!r}") from error
    return render(request, "service/service.html", _context(request, service))


def _context(request: HttpRequest, service: Service) -> dict[str, Any]:
    time_range = page_range(request.GET)
    spend = daily_spend() if actor_of(request).can("view:cost") else NO_SPEND
    targets, tokens = senders_of(service)
    return {
        "page_title": service.name,
        "time_range": time_range,
        "service": service,
        "telemetry": service_telemetry(service.name, time_range, deployment_marks(service, time_range)),
        "deployments": deployments_of(service),
        "dependencies": dependencies_of(service) if actor_of(request).can("view:security") else None,
        "sampled": sampling_of((service.name,)),
        "spend_per_day": spend.amounts.get(service.name),
        "currency": spend.currency,
        "targets": targets,
        "tokens": tokens,
        "public_url": settings.PUBLIC_URL,
    }
