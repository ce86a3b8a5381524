"""`/cost`: who spends what, to the cent, on a page that can be printed."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.accounts.csv_export import csv_response
from dashboard.accounts.gate import requires
from dashboard.panels.cost import CostPanel, cost_panel
from dashboard.panels.time_range import page_range
from dashboard.views.scaling import fleet_of

_COLUMNS = ("service", "team", "source", "currency", "spend", "effective_cost", "estimated_cost", "share_ratio")


@requires("view:cost")
@require_safe
def cost(request: HttpRequest) -> HttpResponseBase:
    time_range = page_range(request.GET, default="now-14d")
    panel = cost_panel(time_range, fleet=fleet_of(request))
    if request.GET.get("format") == "csv":
        return csv_response("cost.csv", _COLUMNS, _csv_rows(panel))
    context = {"page_title": "Cost", "time_range": time_range, "panel": panel, "fleet": fleet_of(request)}
    return render(request, "cost/cost.html", context)


def _csv_rows(panel: CostPanel) -> list[tuple[object, ...]]:
    return [
        (
            row.name,
            row.team,
            row.source,
            panel.currency,
            row.spend,
            row.effective_cost,
            row.estimated_cost,
            row.share_ratio,
        )
        for row in panel.services
    ]
