"""`/cost/forecast`: where spend is going, how wrong that may be, and which days stood out."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.accounts.gate import requires
from dashboard.panels.cost_forecast import AHEAD, cause_words, forecast_panel
from dashboard.views.scaling import fleet_of


@requires("view:cost")
@require_safe
def forecast_page(request: HttpRequest) -> HttpResponse:
    fleet = fleet_of(request)
    panel = forecast_panel(datetime.now(UTC).date(), simulated=fleet == "simulated")
    odd = [(each, cause_words(each)) for each in panel.odd]
    context = {"page_title": "Forecast", "panel": panel, "odd": odd, "ahead": AHEAD, "fleet": fleet}
    return render(request, "cost/forecast.html", context)
