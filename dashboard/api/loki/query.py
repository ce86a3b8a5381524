"""Queries: at one time, over a range, and their text laid out."""

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.loki.answers import loki_view, success
from dashboard.api.loki.engine import answered
from dashboard.api.loki.params import lines_of, query_text, step_ns, time_ns
from dashboard.api.loki.render import CATEGORIZE, render
from dashboard.api.prometheus.render import to_json
from telemetry.logql.engine import QueryResult
from telemetry.logql.parser import parse
from telemetry.logql.printer import prettify


@requires("query")
@loki_view("GET", "POST")
def query(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/query"""
    text, at = query_text(request), time_ns(request)
    return _answer(request, answered(request, text, lambda engine: engine.instant(text, at)))


@requires("query")
@loki_view("GET", "POST")
def query_range(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/query_range"""
    text, lines = query_text(request), lines_of(request)
    step = step_ns(request, lines)
    return _answer(request, answered(request, text, lambda engine: engine.range(text, lines, step)))


@requires("query")
@loki_view("GET", "POST")
def format_query(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/format_query"""
    return success(to_json(prettify(parse(query_text(request)))))


def _answer(request: HttpRequest, result: QueryResult) -> HttpResponse:
    flags = request.headers.get("X-Loki-Response-Encoding-Flags", "")
    return success(render(result, categorize=CATEGORIZE in flags.split(",")))
