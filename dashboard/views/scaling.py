"""`/scaling`: is there enough, is there too much, and why."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.accounts.csv_export import csv_response
from dashboard.accounts.gate import requires
from dashboard.panels.figures import Figure
from dashboard.panels.outlook import Outlook, outlooks
from dashboard.panels.scaling import Fleet, ScalingPanel, ScalingRow, replicas_figure, scaling_panel
from dashboard.panels.scaling_changes import ScalingChanges, scaling_changes
from dashboard.panels.time_range import PageRange, page_range
from telemetry.model.errors import TelemetryError
from telemetry.store import current

_COLUMNS = (
    "service", "environment", "team", "state", "replicas", "desired", "minimum", "maximum", "recommended",
    "cpu_saturation_ratio", "memory_saturation_ratio", "headroom_ratio", "changes", "flaps", "reason",
)  # fmt: skip


@requires("view:fleet")
@require_safe
def scaling(request: HttpRequest) -> HttpResponseBase:
    time_range = page_range(request.GET, default="now-24h")
    panel = scaling_panel(time_range, fleet=fleet_of(request), service=request.GET.get("service") or None)
    if request.GET.get("format") == "csv":
        return csv_response("scaling.csv", _COLUMNS, [_csv_row(row) for row in panel.rows])
    chosen = _chosen(panel, request)
    context = {
        "page_title": "Scaling",
        "tab": "workloads",
        "time_range": time_range,
        "panel": panel,
        "fleet": fleet_of(request),
        "service": request.GET.get("service", ""),
        "chosen": chosen,
        "chosen_figure": _figure(time_range, chosen) if chosen else None,
        "outlooks": _outlooks(time_range, chosen) if chosen else [],
        "changes": _changes(time_range, chosen) if chosen else None,
    }
    return render(request, "scaling/scaling.html", context)


def fleet_of(request: HttpRequest) -> Fleet:
    """Real services, simulated ones, or both."""
    match request.GET.get("fleet"):
        case "real":
            return "real"
        case "simulated":
            return "simulated"
    return ""


def _chosen(panel: ScalingPanel, request: HttpRequest) -> ScalingRow | None:
    """The workload whose replicas are drawn: the one in the address."""
    wanted = request.GET.get("service"), request.GET.get("environment", "")
    exact = (row for row in panel.rows if (row.service, row.environment) == wanted)
    return next(exact, next((row for row in panel.rows if row.service == wanted[0]), None))


def _figure(time_range: PageRange, chosen: ScalingRow) -> Figure | None:
    try:
        return replicas_figure(time_range, chosen.service, chosen.environment)
    except TelemetryError:
        return None


def _changes(time_range: PageRange, chosen: ScalingRow) -> ScalingChanges | None:
    try:
        return scaling_changes(current(), time_range, chosen.service, chosen.environment)
    except TelemetryError:
        return None


def _outlooks(time_range: PageRange, chosen: ScalingRow) -> list[Outlook]:
    try:
        return outlooks(current(), chosen.service, chosen.environment, time_range.end_ms)
    except TelemetryError:
        return []


def _csv_row(row: ScalingRow) -> tuple[object, ...]:
    recommended = row.recommendation
    return (
        row.service,
        row.environment,
        row.team,
        row.state,
        row.now.replicas,
        row.now.desired,
        row.now.minimum,
        row.now.maximum,
        recommended.replicas if recommended else None,
        row.cpu_saturation_ratio,
        row.memory_saturation_ratio,
        row.headroom_ratio,
        row.history.changes,
        row.history.flaps,
        recommended.reason if recommended else row.why_none,
    )
