"""`/cost/savings`: what the bills pay for that nobody uses."""

from datetime import UTC, datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.accounts.csv_export import csv_response
from dashboard.accounts.gate import requires
from dashboard.panels.savings import savings_panel
from dashboard.views.scaling import fleet_of

_COLUMNS = ("kind", "service", "amount", "currency", "reason", "open_findings")


@requires("view:cost")
@require_safe
def savings(request: HttpRequest) -> HttpResponseBase:
    fleet = fleet_of(request)
    panel = savings_panel(datetime.now(UTC).date(), simulated=fleet == "simulated")
    if request.GET.get("format") == "csv":
        rows = [
            (row.saving.kind, row.saving.service, row.saving.amount, panel.currency, row.saving.reason, row.findings)
            for row in panel.rows
        ]
        return csv_response("savings.csv", _COLUMNS, rows)
    return render(request, "cost/savings.html", {"page_title": "Savings", "panel": panel, "fleet": fleet})
