"""Every query that a person or program asks is noted in the log of queries: who, what, at what cost."""

import time
from collections.abc import Callable
from typing import Final

from telemetry.logql.engine import QueryResult as LogqlResult
from telemetry.model.errors import (
    InvalidInput,
    LimitExceeded,
    QueryCancelled,
    QueryTimeout,
    StoreUnavailable,
    TelemetryError,
)
from telemetry.promql.engine import QueryResult
from telemetry.store import TelemetryStore
from telemetry.store.query_log import QueryNote, now_ms

_WORDS: Final[tuple[tuple[type[TelemetryError], str], ...]] = (
    (InvalidInput, "bad_data"),
    (LimitExceeded, "limit"),
    (QueryTimeout, "timeout"),
    (QueryCancelled, "canceled"),
    (StoreUnavailable, "unavailable"),
    (TelemetryError, "error"),
)


def noted(
    store: TelemetryStore, actor: str, source: str, expression: str, ask: Callable[[], QueryResult]
) -> QueryResult:
    """The result of `ask`, a PromQL query, which is noted whether it is answered or refused. Raises what `ask` does."""
    started = time.monotonic()
    try:
        result = ask()
    except TelemetryError as error:
        _note_refusal(store, actor, source, "promql", expression, error, started)
        raise
    cost = result.statistics
    store.note_query(
        QueryNote(
            now_ms(),
            actor,
            source,
            "promql",
            expression,
            "success",
            cost.series,
            cost.samples,
            cost.seconds,
            sorted(cost.metrics),
        )
    )
    return result


def logql_noted(
    store: TelemetryStore, actor: str, source: str, expression: str, ask: Callable[[], LogqlResult]
) -> LogqlResult:
    """As `noted`, for a LogQL query."""
    started = time.monotonic()
    try:
        result = ask()
    except TelemetryError as error:
        _note_refusal(store, actor, source, "logql", expression, error, started)
        raise
    cost = result.statistics
    store.note_query(
        QueryNote(
            now_ms(),
            actor,
            source,
            "logql",
            expression,
            "success",
            cost.streams,
            cost.lines,
            cost.seconds,
            cost.selectors,
        )
    )
    return result


def _note_refusal(
    store: TelemetryStore,
    actor: str,
    source: str,
    language: str,
    expression: str,
    error: TelemetryError,
    started: float,
) -> None:
    status = next(word for kind, word in _WORDS if isinstance(error, kind))
    seconds = time.monotonic() - started
    store.note_query(QueryNote(now_ms(), actor, source, language, expression, status, 0, 0, seconds, ()))
