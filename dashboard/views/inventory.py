"""`/security/inventory`: what runs where, now or on a day in the past, and which of it nobody could audit."""

from datetime import UTC, datetime, time

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from dashboard.accounts.csv_export import csv_response
from dashboard.accounts.gate import requires
from fleet.models import Component
from fleet.selectors.components import components_at, reports_at

_PER_PAGE = 100
_REPORTS_SHOWN = 200
_COLUMNS = ("service", "environment", "source", "ecosystem", "name", "version", "purl", "skip_reason")


@requires("view:security")
@require_safe
def inventory(request: HttpRequest) -> HttpResponseBase:
    day = end_of_day(request.GET.get("at", ""))
    wanted = {name: request.GET.get(name, "").strip() for name in ("service", "environment", "package")}
    unknown = request.GET.get("unknown") == "1"
    rows = components_at(day, **wanted, unknown=unknown).order_by("name", "version", "pk")
    if request.GET.get("format") == "csv":
        return csv_response("components.csv", _COLUMNS, (_csv_row(row) for row in rows.iterator(chunk_size=2000)))
    reports = reports_at(day).order_by("service__name", "environment__name", "source")
    if wanted["service"]:
        reports = reports.filter(service__name=wanted["service"])
    context = {
        "page_title": "Inventory",
        "reports": reports[:_REPORTS_SHOWN],
        "page": Paginator(rows, _PER_PAGE).get_page(request.GET.get("page")),
        "wanted": wanted,
        "unknown": unknown,
        "day": day,
    }
    return render(request, "security/inventory.html", context)


def end_of_day(text: str) -> datetime | None:
    """The last moment of the day (UTC) written as YYYY-MM-DD; None, which is now, for anything else."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return datetime.combine(day, time.max, UTC) if day else None


def _csv_row(row: Component) -> tuple[object, ...]:
    report = row.report
    place = (report.service.name, report.environment.name, report.source)
    return (*place, row.ecosystem, row.name, row.version, row.purl, row.skip_reason)
