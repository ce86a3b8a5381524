"""Queries: at one time, over a range, and their text laid out."""

from dataclasses import replace
from typing import Final

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.prometheus.answers import prometheus_view, success
from dashboard.api.prometheus.engine import answered, promql_options
from dashboard.api.prometheus.params import (
    grid_of,
    instant_ms,
    limit_of,
    lookback_ms,
    query_text,
    timeout_seconds,
    value_of,
)
from dashboard.api.prometheus.render import render_instant, render_range, render_statistics, to_json
from dashboard.runtime.client_gone import cancellation_of
from telemetry.promql.engine import QueryResult
from telemetry.promql.parser import parse
from telemetry.promql.printer import prettify
from telemetry.promql.run import Options

_TRUNCATED: Final = "results truncated due to limit"


@requires("query")
@prometheus_view("GET", "POST")
def query(request: HttpRequest) -> HttpResponse:
    """/api/v1/query"""
    text, time_ms, limit = query_text(request), instant_ms(request), limit_of(request)
    options = _options(request)
    result = answered(request, text, lambda engine: engine.instant(text, time_ms, options))
    return _answer(request, result, *render_instant(result, time_ms, limit))


@requires("query")
@prometheus_view("GET", "POST")
def query_range(request: HttpRequest) -> HttpResponse:
    """/api/v1/query_range"""
    text, grid, limit = query_text(request), grid_of(request), limit_of(request)
    options = _options(request)
    result = answered(request, text, lambda engine: engine.range(text, grid, options))
    return _answer(request, result, *render_range(result, limit))


@requires("query")
@prometheus_view("GET", "POST")
def format_query(request: HttpRequest) -> HttpResponse:
    """/api/v1/format_query"""
    return success(to_json(prettify(parse(query_text(request)))))


def _options(request: HttpRequest) -> Options:
    options = promql_options()
    return replace(
        options,
        timeout_seconds=timeout_seconds(request, options.timeout_seconds),
        lookback_ms=lookback_ms(request, options.lookback_ms),
        keep_results=value_of(request, "nocache") != "1",
        cancellation=cancellation_of(request),
    )


def _answer(request: HttpRequest, result: QueryResult, data: bytes, cut: bool) -> HttpResponse:
    """The object `data` of a result is closed here, with statistics if they were asked for."""
    statistics = b',"stats":%s' % render_statistics(result.statistics) if value_of(request, "stats") else b""
    warnings = [*result.warnings, *([_TRUNCATED] if cut else [])]
    response = success(b"%s%s}" % (data, statistics), warnings=warnings, infos=result.infos)
    cost = result.statistics
    response["X-Belvedere-Query-Cost"] = f"series={cost.series}, samples={cost.samples}, seconds={cost.seconds:.6f}"
    response["Server-Timing"] = f"query;dur={cost.seconds * 1000:.3f}"
    return response
