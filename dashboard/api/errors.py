"""The one table that turns errors of telemetry into HTTP; each API dresses the result in its own form."""

from dataclasses import dataclass
from typing import Final

from telemetry.model.errors import (
    InvalidInput,
    LimitExceeded,
    QueryCancelled,
    QueryTimeout,
    StoreBusy,
    StoreUnavailable,
    TelemetryError,
)


@dataclass(frozen=True, slots=True)
class Described:
    """HTTP status, machine word and sentence of an error."""

    status: int
    code: str
    sentence: str


_TABLE: Final[tuple[tuple[type[TelemetryError], int, str], ...]] = (
    (InvalidInput, 400, "bad_data"),
    (LimitExceeded, 422, "limit_exceeded"),
    (QueryTimeout, 503, "timeout"),
    (QueryCancelled, 499, "canceled"),
    (StoreBusy, 429, "busy"),
    (StoreUnavailable, 503, "unavailable"),
    (TelemetryError, 500, "internal"),
)


def describe(error: TelemetryError) -> Described:
    """First row of the table whose class fits."""
    status, code = next((status, code) for kind, status, code in _TABLE if isinstance(error, kind))
    return Described(status, code, str(error))
