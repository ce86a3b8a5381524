"""The metrics explorer: queries, completion, download."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.accounts.actor import actor_of
from dashboard.accounts.csv_export import csv_lines
from dashboard.accounts.gate import requires
from dashboard.panels.logs import step_words
from dashboard.panels.metric_names import (
    Suggestion,
    examples,
    metrics_in,
    suggested_labels,
    suggested_metrics,
    suggested_values,
)
from dashboard.panels.metrics import MOST_QUERIES, Exploration, csv_rows, engine_options, explore, grid_of
from dashboard.panels.time_range import PageRange, page_range
from dashboard.panels.units import UNITS
from dashboard.runtime.client_gone import cancellation_of
from dashboard.views.streaming import streamed
from telemetry.model.errors import TelemetryError
from telemetry.promql.run import Options
from telemetry.store import TelemetryStore, current


@requires("view:fleet")
@require_GET
def metrics_page(request: HttpRequest) -> HttpResponseBase:
    """Queries in `q` with their answers, or what there is to ask."""
    time_range = page_range(request.GET)
    queries = [text for text in request.GET.getlist("q") if text.strip()]
    context: dict[str, Any] = {
        "page_title": "Metrics",
        "time_range": time_range,
        "queries": queries or [""],
        "may_add": len(queries) < MOST_QUERIES,
        "step": request.GET.get("step", "").strip(),
        "unit": request.GET.get("unit", ""),
        "public_url": settings.PUBLIC_URL,
        "units": [name for name in UNITS if name],
    }
    try:
        if request.GET.get("format") == "csv" and queries:
            return _download(request, queries, time_range)
        context |= _answers(request, current(), queries, context)
    except TelemetryError as error:
        context["error"] = str(error)
    return render(request, "metrics/metrics.html", context)


def _options(request: HttpRequest) -> Options:
    """A query ends when nobody waits for its page."""
    return replace(engine_options(), cancellation=cancellation_of(request))


def _answers(
    request: HttpRequest, store: TelemetryStore, queries: list[str], context: dict[str, Any]
) -> dict[str, Any]:
    if not queries:
        found = metrics_in(store, context["time_range"].time_range)
        return {"metrics": found, "examples": examples({one.name for one in found})}
    exploration: Exploration = explore(
        store,
        queries,
        context["time_range"],
        context["step"],
        context["unit"],
        actor=actor_of(request).audit_name,
        options=_options(request),
    )
    return {"exploration": exploration, "step_words": step_words(exploration.grid.step_ms)}


def _download(request: HttpRequest, queries: list[str], time_range: PageRange) -> HttpResponseBase:
    grid = grid_of(time_range, request.GET.get("step", "").strip())
    rows = csv_rows(current(), queries, grid, _options(request))
    lines = csv_lines(("query", "series", "time_utc", "value"), rows)
    return streamed(request, "metrics.csv", "text/csv; charset=utf-8", lines)


@requires("view:fleet")
@require_GET
def complete(request: HttpRequest) -> HttpResponse:
    """What may stand at the caret: `kind` is metric, label or value."""
    query = request.GET
    kinds: dict[str, Callable[[], list[Suggestion]]] = {
        "metric": lambda: suggested_metrics(store, within, query.get("text", "")),
        "label": lambda: suggested_labels(store, within, query.get("metric", ""), query.get("text", "")),
        "value": lambda: suggested_values(
            store, within, query.get("metric", ""), query.get("label", ""), query.get("text", "")
        ),
    }
    if (kind := query.get("kind", "")) not in kinds:
        sentence = f"kind {kind!r} is none of {', '.join(kinds)}"
        return HttpResponse(sentence, status=400, content_type="text/plain; charset=utf-8")
    within = page_range(query).time_range
    try:
        store = current()
        found = kinds[kind]()
    except TelemetryError as error:
        return HttpResponse(str(error), status=503, content_type="text/plain; charset=utf-8")
    return JsonResponse({"suggestions": [{"text": one.text, "detail": one.detail[:120]} for one in found]})
