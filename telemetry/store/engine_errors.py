"""Turns what the engine and its driver raise into the errors of this floor, with the cause kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from clickhouse_connect.driver.exceptions import Error as DriverError

from telemetry.model.errors import InvalidInput, LimitExceeded, QueryTimeout, StoreUnavailable, TelemetryError
from telemetry.store.settings import ENV_NAMES

_TIMEOUTS: Final = frozenset({159, 160, 209, 394})
"""TIMEOUT_EXCEEDED, TOO_SLOW, SOCKET_TIMEOUT, QUERY_WAS_CANCELLED"""
_MEMORY: Final = frozenset({241})
"""MEMORY_LIMIT_EXCEEDED"""
_ROWS: Final = frozenset({158, 396})
"""TOO_MANY_ROWS, TOO_MANY_ROWS_OR_BYTES"""
_BYTES: Final = frozenset({307})
"""TOO_MANY_BYTES: only queries for log lines have such a limit"""
_REGEXP: Final = frozenset({427})
"""CANNOT_COMPILE_REGEXP"""


class TooManyRows(LimitExceeded):
    """The engine would have to read, or return, more rows than it was allowed to."""


class TooManyBytes(LimitExceeded):
    """The engine would have to read more bytes than it was allowed to."""


def translated(error: Exception) -> TelemetryError:
    """The error of this floor that says what `error` means for the caller."""
    code = getattr(error, "code", None)
    sentence = _first_line(error)
    if code in _TIMEOUTS:
        return QueryTimeout(f"the query was stopped at its deadline ({ENV_NAMES['query_timeout_seconds']}): {sentence}")
    if code in _MEMORY:
        name = ENV_NAMES["query_memory_bytes"]
        return LimitExceeded(f"the query needs more memory than {name} allows: {sentence}", limit_name=name)
    if code in _ROWS:
        name = ENV_NAMES["max_query_samples"]
        return TooManyRows(f"the query reads more than {name} allows: {sentence}", limit_name=name)
    if code in _BYTES:
        name = ENV_NAMES["max_query_log_bytes"]
        problem = f"the query reads more bytes than {name} allows; narrow its selector or its range: {sentence}"
        return TooManyBytes(problem, limit_name=name)
    if code in _REGEXP:
        return InvalidInput(f"invalid regular expression: {sentence}")
    return StoreUnavailable(f"the telemetry engine could not answer: {sentence}")


@contextmanager
def engine_errors() -> Iterator[None]:
    """Border around every call of the driver."""
    try:
        yield
    except (DriverError, OSError) as error:
        raise translated(error) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]
