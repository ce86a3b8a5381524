"""The first page: is the fleet well?"""

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.accounts.actor import Actor, actor_of
from dashboard.accounts.gate import requires
from dashboard.panels.coverage import mapping_coverage
from dashboard.panels.daily_spend import NO_SPEND, daily_spend
from dashboard.panels.overview import Filters, Overview, ServiceRow, overview
from dashboard.panels.time_range import page_range

COLUMNS: Final[tuple[tuple[str, str, str, str], ...]] = (
    # (sort word, heading, class of the cells, permission)
    ("name", "Service", "", "view:overview"),
    ("health", "Health", "", "view:fleet"),
    ("requests", "Requests", "num", "view:fleet"),
    ("errors", "Errors", "num", "view:fleet"),
    ("latency", "p95", "num", "view:fleet"),
    ("cpu", "CPU", "num", "view:fleet"),
    ("memory", "Memory", "num", "view:fleet"),
    ("replicas", "Replicas", "num", "view:fleet"),
    ("logs", "Log errors", "num", "view:fleet"),
    ("findings", "Findings", "", "view:security"),
    ("spend", "Spend a day", "num", "view:cost"),
    ("deployed", "Deployed", "", "view:overview"),
    ("seen", "Data", "", "view:fleet"),
)


@requires("view:overview")
@require_GET
def overview_page(request: HttpRequest) -> HttpResponse:
    """All services, worst first, with the columns that the role may see."""
    actor = actor_of(request)
    time_range = page_range(request.GET)
    query = request.GET
    filters = Filters(*(query.get(name, "").strip() for name in ("q", "team", "fleet", "state")))
    shown = overview(
        time_range,
        filters,
        with_telemetry=actor.can("view:fleet"),
        with_findings=actor.can("view:security"),
        spend=daily_spend() if actor.can("view:cost") else NO_SPEND,
    )
    context = {
        "page_title": "Overview",
        "time_range": time_range,
        "overview": shown,
        "rows": sorted_rows(shown, query.get("sort", "")),
        "filters": filters,
        "sort": query.get("sort", "health"),
        "columns": columns_of(actor, shown),
        "may": _may(actor),
        "coverage": mapping_coverage() if actor.can("view:fleet") else None,
        "public_url": settings.PUBLIC_URL,
    }
    return render(request, "overview/overview.html", context)


def columns_of(actor: Actor, shown: Overview) -> list[tuple[str, str, str, str]]:
    """What the role may see; spend only where any is known."""
    spend = shown.totals.spend_per_day is not None
    return [column for column in COLUMNS if actor.can(column[3]) and (spend or column[0] != "spend")]


def _may(actor: Actor) -> dict[str, bool]:
    """What the template shows, by the last word of the permission."""
    words = ("view:fleet", "view:security", "view:cost", "view:settings")
    return {word.removeprefix("view:"): actor.can(word) for word in words}


def sorted_rows(shown: Overview, word: str) -> list[ServiceRow]:
    """By a column, greatest first and unknown last; names ascending; any other word keeps worst first."""
    if word == "name":
        return sorted(shown.rows, key=lambda row: row.service.name)
    key = _KEYS.get(word)
    return sorted(shown.rows, key=lambda row: _descending(key(row))) if key else shown.rows


def _descending(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else -value)


def _findings_weight(row: ServiceRow) -> int | None:
    found = row.findings
    if found is None:
        return None
    return ((found.critical * 1000 + found.high) * 1000 + found.medium) * 1000 + found.low + found.unrated


_KEYS: Final[dict[str, Callable[[ServiceRow], Any]]] = {
    "requests": lambda row: row.vitals.requests_per_second,
    "errors": lambda row: row.vitals.error_ratio,
    "latency": lambda row: row.vitals.latency_seconds,
    "cpu": lambda row: row.vitals.cpu_saturation_ratio,
    "memory": lambda row: row.vitals.memory_saturation_ratio,
    "replicas": lambda row: row.vitals.replicas,
    "logs": lambda row: row.log_errors,
    "findings": _findings_weight,
    "spend": lambda row: row.spend_per_day,
    "deployed": lambda row: row.deployment and row.deployment.deployed_at.timestamp(),
    "seen": lambda row: row.seen_ms,
}
