"""`/logs/patterns`: what the lines say, how often, what is new and what is gone."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.accounts.gate import requires
from dashboard.panels.log_filter import SEVERITIES, severity_range
from dashboard.panels.log_patterns import Standing, pattern_list
from dashboard.panels.time_range import page_range
from fleet.models import Service
from telemetry.model.errors import InvalidInput, TelemetryError
from telemetry.store import current

_STANDINGS: dict[str, Standing] = {"new": "new", "gone": "gone"}


@requires("view:fleet")
@require_GET
def patterns(request: HttpRequest) -> HttpResponse:
    """Patterns of one service or of all."""
    service, text = request.GET.get("service", ""), request.GET.get("q", "")
    standing = request.GET.get("standing", "")
    severity = request.GET.get("severity", "")
    time_range = page_range(request.GET)
    context: dict[str, Any] = {
        "page_title": "Logs",
        "tab": "patterns",
        "time_range": time_range,
        "service": service,
        "tab_service": service,
        "text": text,
        "severity": severity,
        "standing": standing,
        "severities": SEVERITIES,
        "service_names": Service.objects.order_by("name").values_list("name", flat=True),
    }
    try:
        least, _ = severity_range(severity)
        context["found"] = pattern_list(
            current(),
            (service,) if service else (),
            time_range,
            severity_min=least,
            text=text,
            wanted=_STANDINGS.get(standing, ""),
        )
    except TelemetryError as error:
        context["error"] = str(error)
        context["mistaken"] = isinstance(error, InvalidInput)
    return render(request, "logs/patterns.html", context)
