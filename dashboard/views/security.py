"""`/security`: what must be fixed first, and what nobody could check."""

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.accounts.csv_export import csv_response
from dashboard.accounts.gate import requires
from dashboard.panels.security import risk_by_package, risk_by_service, security_numbers
from fleet.models import Finding
from fleet.selectors.dependencies import unknown_components
from fleet.selectors.findings import SEVERITY_WORDS, FindingFilter, findings, unknown_reasons

_PER_PAGE = 50
_UNKNOWN_SHOWN = 200
_REASONS_SHOWN = 12


@requires("view:security")
@require_safe
def security(request: HttpRequest) -> HttpResponseBase:
    wanted = finding_filter(request)
    rows = findings(wanted)
    if request.GET.get("format") == "csv":
        return csv_response("findings.csv", _COLUMNS, (_csv_row(row) for row in rows.iterator(chunk_size=2000)))
    context = {
        "page_title": "Security",
        "numbers": security_numbers(timezone.now()),
        "page": Paginator(rows, _PER_PAGE).get_page(request.GET.get("page")),
        "wanted": wanted,
        "severities": SEVERITY_WORDS,
        "states": Finding.State.choices,
        "by_service": risk_by_service(),
        "by_package": risk_by_package(),
        "unknown": unknown_components().order_by("report__service__name", "name")[:_UNKNOWN_SHOWN],
        "reasons": unknown_reasons(_REASONS_SHOWN),
        "audit_command": _audit_command(),
    }
    return render(request, "security/security.html", context)


def _audit_command() -> str:
    return (
        'pip-audit -f json | curl -H "Authorization: Bearer TOKEN" --data-binary @- '
        f'"{settings.PUBLIC_URL}/api/audits?service=checkout&environment=production"'
    )


def finding_filter(request: HttpRequest) -> FindingFilter:
    """The filter in the address; words that do not exist narrow nothing."""
    state = request.GET.get("state", Finding.State.OPEN)
    severity = request.GET.get("severity", "")
    return FindingFilter(
        state=state if state in Finding.State.values else "",
        severity=severity if severity in SEVERITY_WORDS else "",
        service=request.GET.get("service", "").strip(),
        package=request.GET.get("package", "").strip(),
    )


_COLUMNS = (
    "service", "environment", "team", "package", "version", "advisory", "aliases", "severity_score", "state",
    "fix_versions", "first_seen", "last_seen",
)  # fmt: skip


def _csv_row(row: Finding) -> tuple[object, ...]:
    return (
        row.service.name,
        row.environment.name,
        row.service.team.name if row.service.team else "",
        row.package,
        row.version,
        row.advisory_id,
        " ".join(row.aliases),
        row.severity_score,
        row.state,
        " ".join(row.fix_versions),
        row.first_seen_at.isoformat(),
        row.last_seen_at.isoformat(),
    )
