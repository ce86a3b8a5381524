"""`GET /api/logs`: log records by service, severity, text and time."""

import time
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router

from dashboard.accounts.ninja_auth import Requires
from dashboard.api.rest.schemas import LogPage, LogRecordOut, Problem
from telemetry.model.errors import InvalidInput
from telemetry.model.logs import SEVERITY_RANGES, LogRecord, severity_word
from telemetry.store import LogQuery, current

router = Router(tags=["logs"])

_HOUR_MS = 3_600_000


@router.get(
    "/logs",
    response={200: LogPage, 400: Problem},
    auth=Requires("query"),
    summary="Log records, newest first",
)
def search_logs(
    request: HttpRequest,
    service: str | None = None,
    severity: Annotated[str | None, Query(description="least severe word: debug, info, warn, error, fatal")] = None,
    text: Annotated[str | None, Query(description="the body contains it, whatever the case")] = None,
    start_ms: Annotated[int | None, Query(description="included; an hour before the end by default")] = None,
    end_ms: Annotated[int | None, Query(description="included; now by default")] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 100,
) -> LogPage:
    end = time.time_ns() // 1_000_000 if end_ms is None else end_ms
    query = LogQuery(
        start_ns=(end - _HOUR_MS if start_ms is None else start_ms) * 1_000_000,
        end_ns=end * 1_000_000 + 999_999,
        services=(service,) if service else (),
        severity_min=least_severe(severity) if severity else 0,
        text=text or "",
        limit=limit,
    )
    return LogPage(items=[_record_out(record) for record in current().search_logs(query)])


def least_severe(word: str) -> int:
    """First severity_number of the range called `word`. Raises InvalidInput naming the words there are."""
    first = next((first for name, first, _ in SEVERITY_RANGES if name == word.lower()), None)
    if first is None:
        raise InvalidInput(f"severity {word!r} is none of {', '.join(name for name, _, _ in SEVERITY_RANGES)}")
    return first


def _record_out(record: LogRecord) -> LogRecordOut:
    return LogRecordOut(
        timestamp_ns=str(record.timestamp_ns),
        service=record.service,
        severity=severity_word(record.severity_number),
        severity_number=record.severity_number,
        body=record.body,
        stream=dict(record.stream),
        attributes=record.attributes,
        trace_id=record.trace_id,
        span_id=record.span_id,
    )
