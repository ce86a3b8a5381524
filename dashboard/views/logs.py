"""Log records: search, one record, what is newer, facets, download."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.accounts.actor import actor_of
from dashboard.accounts.csv_export import csv_lines
from dashboard.accounts.gate import requires
from dashboard.api.loki.engine import logql_engine
from dashboard.panels.log_facets import facets, filter_chips
from dashboard.panels.log_fields import field_list
from dashboard.panels.log_filter import SEVERITIES
from dashboard.panels.log_lines import find_record, flat_attributes, indented_json, log_line, nanosecond_text
from dashboard.panels.log_query import LogqlPage, is_logql, logql_page, mistake_of
from dashboard.panels.log_table import MOST_COLUMNS, table_rows
from dashboard.panels.log_tree import json_tree
from dashboard.panels.logs import exported, exported_row, log_page, surrounding
from dashboard.panels.time_range import page_range
from dashboard.query_notes import logql_noted
from dashboard.runtime.client_gone import cancellation_of
from dashboard.views.log_filters import log_filter, log_query
from dashboard.views.streaming import streamed
from fleet.models import Service
from fleet.selectors.log_care import sampling_of
from fleet.selectors.logs import saved_searches
from telemetry.logql.engine import LogqlEngine, QueryResult
from telemetry.logql.errors import ParseError
from telemetry.model.errors import InvalidInput, TelemetryError
from telemetry.model.logs import LogRecord
from telemetry.store import LogCursor, LogQuery, current

_COLUMNS = (
    "timestamp_ns", "observed_timestamp_ns", "service", "severity_number", "severity_text", "body",
    "trace_id", "span_id", "stream", "attributes",
)  # fmt: skip


def wanted_columns(request: HttpRequest) -> list[str]:
    """Columns of the table view."""
    return list(dict.fromkeys(name for name in request.GET.getlist("col") if name.strip()))[:MOST_COLUMNS]


@requires("view:fleet")
@require_GET
def logs_page(request: HttpRequest) -> HttpResponseBase:
    """One page of records with their histogram, or all of them as a download (`format=json` or `csv`)."""
    wanted, time_range = log_filter(request), page_range(request.GET)
    context: dict[str, Any] = {
        "page_title": "Logs",
        "tab": "lines",
        "tab_service": next(iter(wanted.services), ""),
        "time_range": time_range,
        "filter": wanted,
        "severities": SEVERITIES,
        "service_names": Service.objects.order_by("name").values_list("name", flat=True),
        "sampled": sampling_of(wanted.services),
        "chips": filter_chips(wanted),
        "searches": saved_searches(actor_of(request).name),
        "may_share": actor_of(request).can("manage:logs"),
        "owner": actor_of(request).name,
        "as_table": request.GET.get("view") == "table",
        "columns": wanted_columns(request),
        "public_url": settings.PUBLIC_URL,
        "older_page": bool(request.GET.get("before")),
    }
    if is_logql(wanted.text):
        return render(request, "logs/logs.html", {**context, **_logql(request, wanted.text)})
    try:
        query = log_query(request)
        if request.GET.get("format"):
            return _download(request, query)
        if before := request.GET.get("before"):
            query = _continued(query, before)
        page = log_page(current(), query, time_range)
        context["page"] = page
        context["rows"] = table_rows(page.lines, wanted_columns(request)) if context["as_table"] else []
    except TelemetryError as error:
        context["error"] = str(error)
        context["mistaken"] = isinstance(error, InvalidInput)
    return render(request, "logs/logs.html", context)


def _logql(request: HttpRequest, text: str) -> dict[str, Any]:
    """Context of a query that is LogQL: what it gave, or what is wrong with it and where."""
    actor, time_range = actor_of(request).audit_name, page_range(request.GET)
    found: list[LogqlPage] = []

    def ask(engine: LogqlEngine) -> QueryResult:
        found.append(logql_page(engine, text, time_range))
        return found[0].result

    try:
        logql_noted(current(), actor, "page", text, lambda: ask(logql_engine(cancellation_of(request))))
    except ParseError as error:
        return {"is_logql": True, "error": error.reason, "mistaken": True, "mistake": mistake_of(error, text)}
    except TelemetryError as error:
        return {"is_logql": True, "error": str(error), "mistaken": isinstance(error, InvalidInput)}
    return {"is_logql": True, "logql": found[0]}


def _continued(query: LogQuery, cursor: str) -> LogQuery:
    return replace(query, cursor=LogCursor.parse(cursor))


def _download(request: HttpRequest, query: LogQuery) -> HttpResponseBase:
    rows = (exported_row(record) for record in exported(current(), query))
    if request.GET["format"] == "csv":
        lines = csv_lines(_COLUMNS, ([_cell(row[name]) for name in _COLUMNS] for row in rows))
        return streamed(request, "logs.csv", "text/csv; charset=utf-8", lines)
    return streamed(request, "logs.jsonl", "application/x-ndjson", _json_lines(rows))


def _cell(value: object) -> object:
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def _json_lines(rows: Iterator[dict[str, object]]) -> Iterator[str]:
    for row in rows:
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode()


@requires("view:fleet")
@require_GET
def log_facets(request: HttpRequest) -> HttpResponse:
    """The facets of the page, loaded after it: of streams over the whole range, of fields in the newest records."""
    wanted = log_filter(request)
    try:
        query = log_query(request)
        found, fields = current().log_facets(query), field_list(current(), query, wanted)
    except TelemetryError as error:
        return render(request, "logs/_facets.html", {"error": str(error)})
    return render(
        request,
        "logs/_facets.html",
        {"facets": facets(found, wanted), "fields": fields, "columns": wanted_columns(request)},
    )


@requires("view:fleet")
@require_GET
def record_page(request: HttpRequest) -> HttpResponse:
    """One record with all its fields: a page of its own, or the part that opens below its row."""
    record = _record(request)
    line = log_line(record)
    context = {
        "page_title": "Log record",
        "line": line,
        "observed": nanosecond_text(record.observed_timestamp_ns),
        "attributes": flat_attributes(record.attributes),
        "json_body": indented_json(record.body),
        "tree": json_tree(record.body),
        "around": _around(record),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "logs/_record.html", context)
    return render(
        request,
        "logs/record.html",
        {**context, "surrounding": surrounding(current(), record)},
    )


@requires("view:fleet")
@require_GET
def record_context(request: HttpRequest) -> HttpResponse:
    """The lines before and after a record of the same stream, for the part that opens below its row."""
    record = _record(request)
    return render(
        request, "logs/_context.html", {"line": log_line(record), "surrounding": surrounding(current(), record)}
    )


def _around(record: LogRecord) -> str:
    """Query of five minutes before and after."""
    at_ms = record.timestamp_ns // 10**6
    return urlencode({"from": at_ms - 300_000, "to": at_ms + 300_000})


def _record(request: HttpRequest) -> LogRecord:
    """Raises Http404 if there is no such record (any more)."""
    at, service = request.GET.get("at", ""), request.GET.get("service", "")
    if not (at.isascii() and at.isdigit() and len(at) < 20):
        raise Http404(f"{at!r} is not a time in nanoseconds")
    moment = LogQuery(start_ns=int(at), end_ns=int(at), services=(service,), limit=10_000)
    found = find_record(current().search_logs(moment), request.GET.get("mark", ""))
    if found is None:
        raise Http404("there is no such record; it may be older than the retention")
    return found
