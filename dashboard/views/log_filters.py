"""What a request for log records asks for, and the query that answers it."""

from dataclasses import replace

from django.http import HttpRequest

from dashboard.panels.log_filter import LogFilter
from dashboard.panels.log_patterns import pattern_named
from dashboard.panels.time_range import page_range
from telemetry.store import LogQuery, current


def log_filter(request: HttpRequest) -> LogFilter:
    """The filter in the address."""
    query = request.GET
    return LogFilter(
        services=tuple(dict.fromkeys(name for name in query.getlist("service") if name)),
        severity=query.get("severity", ""),
        text=query.get("q", ""),
        labels=tuple(dict.fromkeys(text for text in query.getlist("label") if text.strip())),
        fields=tuple(dict.fromkeys(text for text in query.getlist("field") if text.strip())),
        trace_id=query.get("trace", "").strip().lower(),
        pattern=query.get("pattern", "").strip().lower(),
    )


def log_query(request: HttpRequest) -> LogQuery:
    """The query of the address. Raises InvalidInput, StoreUnavailable."""
    wanted = log_filter(request)
    query = wanted.query(page_range(request.GET))
    return replace(query, pattern=pattern_named(current(), wanted.pattern)) if wanted.pattern else query
