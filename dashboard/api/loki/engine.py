"""The LogQL engine of this process, with the limits of the settings; every query is noted."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest

from dashboard.accounts.actor import actor_of
from dashboard.query_notes import logql_noted
from dashboard.runtime.client_gone import cancellation_of
from telemetry.logql.engine import LogqlEngine, QueryResult
from telemetry.logql.run import Options
from telemetry.model.cancellation import Cancellation
from telemetry.store import current


def logql_engine(cancellation: Cancellation | None = None) -> LogqlEngine:
    """Engine over the store of this process. Raises StoreUnavailable if none is open here."""
    return LogqlEngine(current(), logql_options(cancellation))


def logql_options(cancellation: Cancellation | None = None) -> Options:
    """Limits from the settings."""
    limits = settings.TELEMETRY
    return Options(
        timeout_seconds=float(limits["query_timeout_seconds"]),
        max_series=int(limits["max_query_series"]),
        max_points=int(limits["max_query_points"]),
        max_entries=int(limits["max_query_log_entries"]),
        max_days=int(limits["max_query_log_days"]),
        cancellation=cancellation,
    )


def answered(request: HttpRequest, text: str, ask: Callable[[LogqlEngine], QueryResult]) -> QueryResult:
    """The result of `ask`, noted in the log of queries; it ends when the client goes. Raises what `ask` raises."""
    engine = logql_engine(cancellation_of(request))
    return logql_noted(current(), actor_of(request).audit_name, "api", text, lambda: ask(engine))
