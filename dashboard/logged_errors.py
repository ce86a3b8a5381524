"""Brings the errors that the store found in log records to the people's side."""

import time
from datetime import UTC, datetime
from typing import Final

from fleet.actions.logs import SeenError, note_errors
from telemetry.store import ErrorGroup, TelemetryStore

LOOK_BACK_MS: Final = 3_600_000
"""Errors that happened in the last hour are looked at again, so that a pause of the worker loses none of them."""


def note_logged_errors(store: TelemetryStore, look_back_ms: int = LOOK_BACK_MS) -> int:
    """Note every error of the last `look_back_ms`; how many are new."""
    since_ms = time.time_ns() // 1_000_000 - look_back_ms
    return note_errors([_seen(error) for error in store.log_errors(seen_since_ms=since_ms)])


def _seen(error: ErrorGroup) -> SeenError:
    return SeenError(
        fingerprint=f"{error.fingerprint:016x}",
        service=error.service,
        type=error.type,
        title=error.title,
        culprit=error.culprit,
        first_seen_at=datetime.fromtimestamp(error.first_ms / 1000, UTC),
        last_seen_at=datetime.fromtimestamp(error.last_ms / 1000, UTC),
    )
