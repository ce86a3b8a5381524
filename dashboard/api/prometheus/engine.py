"""The query engine of this process: PromQL over the open store, with the limits of the settings."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest

from dashboard.accounts.actor import actor_of
from dashboard.query_notes import noted
from telemetry.promql.engine import Engine, QueryResult
from telemetry.promql.run import Options
from telemetry.store import current


def promql_engine() -> Engine:
    """Engine over the store of this process. Raises StoreUnavailable if none is open here."""
    return Engine(current(), promql_options())


def answered(request: HttpRequest, text: str, ask: Callable[[Engine], QueryResult]) -> QueryResult:
    """The result of `ask`, noted in the log of queries. Raises what `ask` raises."""
    return noted(current(), actor_of(request).audit_name, "api", text, lambda: ask(promql_engine()))


def promql_options() -> Options:
    """Limits and defaults from the settings."""
    return Options.of(settings.TELEMETRY)
