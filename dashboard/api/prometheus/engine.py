"""The query engine of this process: PromQL over the open store, with the limits of the settings."""

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

from dashboard.accounts.actor import actor_of
from dashboard.query_notes import noted
from telemetry.promql.engine import Engine, QueryResult
from telemetry.promql.result_cache import ResultCache
from telemetry.promql.run import Options
from telemetry.store import TelemetryStore, current
from telemetry.store.commit_times import CommitTimes


def promql_engine() -> Engine:
    """Engine over the store of this process. Raises StoreUnavailable if none is open here."""
    store = current()
    return Engine(store, promql_options(), cache=result_cache(store))


def result_cache(store: TelemetryStore) -> ResultCache | None:
    """Kept answers over `store`; None if none are to be kept, or if other processes write the store too."""
    if store.commit_times is None or not settings.RESULT_CACHE_BYTES:
        return None
    return _cache_of(store.commit_times, settings.RESULT_CACHE_BYTES)


@lru_cache(maxsize=1)
def _cache_of(times: CommitTimes, most_bytes: int) -> ResultCache:
    return ResultCache(times, most_bytes)


def answered(request: HttpRequest, text: str, ask: Callable[[Engine], QueryResult]) -> QueryResult:
    """The result of `ask`, noted in the log of queries. Raises what `ask` raises."""
    return noted(current(), actor_of(request).audit_name, "api", text, lambda: ask(promql_engine()))


def promql_options() -> Options:
    """Limits and defaults from the settings."""
    return Options.of(settings.TELEMETRY)
