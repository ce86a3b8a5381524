"""`/cost/charges`: the rows of the bills behind a number."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.accounts.csv_export import csv_response
from dashboard.accounts.gate import requires
from dashboard.panels.charge_list import BY, SHOWN, By, charge_list
from dashboard.panels.time_range import page_range

_COLUMNS = (
    "file", "row", "service", "environment", "charge_period_start", "charge_period_end", "charge_category",
    "charge_description", "currency", "billed_cost", "effective_cost", "service_name", "resource_id", "tags",
)  # fmt: skip


@requires("view:cost")
@require_safe
def charges(request: HttpRequest) -> HttpResponseBase:
    by = _by(request.GET.get("by", ""))
    time_range = page_range(request.GET, default="now-14d")
    found = charge_list(time_range, by, request.GET.get("of", ""))
    if request.GET.get("format") == "csv":
        rows = [(found.files.get(row.batch, ""), *(getattr(row, name) for name in _COLUMNS[1:])) for row in found.rows]
        return csv_response("charges.csv", _COLUMNS, rows)
    for row in found.rows:
        found.files.setdefault(row.batch, "")
    shown = [(row, found.files[row.batch]) for row in found.rows]
    context = {"page_title": found.title, "time_range": time_range, "found": found, "shown": shown, "most": SHOWN}
    return render(request, "cost/charges.html", context)


def _by(word: str) -> By:
    return next((by for by in BY if by == word), "all")
