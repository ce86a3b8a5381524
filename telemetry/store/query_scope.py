"""What holds for every engine query that one question causes: a deadline, and a switch that stops them all.

The language front ends open a scope around an evaluation; the engine looks here before each query of this context.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from telemetry.model.cancellation import CLIENT_GONE, Cancellation
from telemetry.model.errors import QueryCancelled, QueryTimeout

_LEAST_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class QueryScope:
    """`deadline` by time.monotonic()."""

    deadline: float
    cancellation: Cancellation | None


_scope: ContextVar[QueryScope | None] = ContextVar("query_scope", default=None)


@contextmanager
def query_scope(deadline: float, cancellation: Cancellation | None = None) -> Iterator[None]:
    """Engine queries inside the block end at `deadline`, or at once when `cancellation` is thrown."""
    token = _scope.set(QueryScope(deadline, cancellation))
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def scoped(sql: str, settings: dict[str, Any], kill: Callable[[str], None]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(text, settings) of a query as the scope of this context wants them; `kill(mark)` stops it from outside.

    Raises QueryTimeout if the deadline has passed, QueryCancelled if the switch was thrown before or meanwhile.
    """
    scope = _scope.get()
    if scope is None:
        yield sql, settings
        return
    settings = {**settings, **_time_left(scope, settings)}
    if scope.cancellation is None:
        yield sql, settings
        return
    mark = f"asked {secrets.token_hex(12)}"

    def stop() -> None:
        threading.Thread(target=kill, args=(mark,), name="store-kill", daemon=True).start()

    with scope.cancellation.telling(stop):
        try:
            yield f"/* {mark} */ {sql}", settings
        except QueryTimeout as error:
            raise _cancelled(scope.cancellation, error) from error


def _cancelled(cancellation: Cancellation, error: QueryTimeout) -> QueryCancelled | QueryTimeout:
    return QueryCancelled(CLIENT_GONE) if cancellation.cancelled else error


def _time_left(scope: QueryScope, settings: dict[str, Any]) -> dict[str, Any]:
    left = scope.deadline - time.monotonic()
    if left <= 0:
        raise QueryTimeout("query timed out in expression evaluation")
    most = float(settings.get("max_execution_time") or left)
    return {
        "max_execution_time": round(max(_LEAST_SECONDS, min(left, most)), 3),
        "timeout_before_checking_execution_speed": 0,
    }
