"""`/cost/units`: what a unit of work costs, by service and by release."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.accounts.gate import requires
from dashboard.panels.time_range import page_range
from dashboard.panels.unit_cost import SIZE, unit_cost_panel


@requires("view:cost")
@require_safe
def unit_cost(request: HttpRequest) -> HttpResponse:
    time_range = page_range(request.GET, default="now-30d")
    query, service = request.GET.get("unit", "")[:4000].strip(), request.GET.get("service", "")
    panel = unit_cost_panel(time_range, query=query, service=service)
    context = {
        "page_title": "Unit cost", "time_range": time_range, "panel": panel, "query": query, "service": service,
        "size": SIZE,
    }  # fmt: skip
    return render(request, "cost/unit_cost.html", context)
