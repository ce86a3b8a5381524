"""`/cost/report.pdf?month=2026-10`: the one-page report to take away."""

from datetime import UTC, date, datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.accounts.gate import requires
from dashboard.reports.cost_month import cost_month
from dashboard.reports.cost_pdf import cost_pdf
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError


@requires("view:cost")
@require_safe
def cost_report(request: HttpRequest) -> HttpResponse:
    """PDF of a month; without one, of the last month that is over."""
    now = datetime.now(UTC)
    text = request.GET.get("month", "")
    try:
        month = date.fromisoformat(f"{text}-01") if text else now.date().replace(day=1) - timedelta(days=1)
    except ValueError:
        return HttpResponse(f"{text[:50]!r} is not a month such as 2026-10", status=400, content_type="text/plain")
    try:
        body = cost_pdf(cost_month(month, now))
    except (TelemetryError, DocumentError) as error:
        return HttpResponse(f"the report could not be made: {error}", status=503, content_type="text/plain")
    name = f"cost-{month:%Y-%m}.pdf"
    return HttpResponse(
        body, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
