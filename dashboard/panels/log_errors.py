"""Errors of the logs with what people decided about them, their releases and their trend."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.panels.time_range import MINUTE, PageRange
from fleet.models import LoggedError
from fleet.selectors.logs import Releases, errors_by_state, logged_errors, releases
from telemetry.store import TelemetryStore

TREND_STEPS: Final = 40
MOST_SHOWN: Final = 200
NEW_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error for a template."""

    error: LoggedError
    occurrences: int
    """In the range."""
    trend: list[float]
    services: list[str]
    first_release: str
    """What the service ran when it was first seen; "" if nothing was deployed by then."""
    last_release: str
    is_new: bool
    since_release: bool
    """Whether it was first seen after the newest deployment of its services."""


@dataclass(frozen=True, slots=True)
class ErrorList:
    rows: list[ErrorRow]
    by_state: dict[str, int]
    left_out: int


def error_list(store: TelemetryStore, time_range: PageRange, *, state: str, service: str = "") -> ErrorList:
    """Errors seen in the range, most occurrences first. One question to the store, five to the database."""
    since = datetime.fromtimestamp(time_range.start_ms / 1000, UTC)
    found = logged_errors(state, service, since)
    step_ms = time_range.step_ms(TREND_STEPS, MINUTE)
    counts = store.log_error_counts(
        [int(row.fingerprint, 16) for row in found], time_range.start_ms, time_range.end_ms, step_ms
    )
    names = {row.pk: sorted(each.name for each in row.services.all()) for row in found}
    deployed = releases(name for each in names.values() for name in each)
    rows = [_row(row, names[row.pk], _trend(counts, row, service), deployed, time_range) for row in found]
    rows.sort(key=lambda row: (-row.occurrences, -row.error.last_seen_at.timestamp()))
    return ErrorList(rows[:MOST_SHOWN], errors_by_state(service, since), max(0, len(rows) - MOST_SHOWN))


def _trend(
    counts: dict[tuple[str, int], NDArray[np.int64]], error: LoggedError, service: str
) -> NDArray[np.int64] | None:
    wanted = int(error.fingerprint, 16)
    columns = [column for (name, one), column in counts.items() if one == wanted and service in ("", name)]
    return np.sum(columns, axis=0) if columns else None


def _row(
    error: LoggedError, services: list[str], trend: NDArray[np.int64] | None, deployed: Releases, time_range: PageRange
) -> ErrorRow:
    first, last = (_release(deployed, services, moment) for moment in (error.first_seen_at, error.last_seen_at))
    newest = [each.deployed_at for name in services if (each := deployed.last(name)) is not None]
    return ErrorRow(
        error=error,
        occurrences=0 if trend is None else int(trend.sum()),
        trend=[] if trend is None else [float(count) for count in trend],
        services=services,
        first_release=first,
        last_release=last,
        is_new=error.first_seen_at >= time_range.end - NEW_FOR,
        since_release=bool(newest) and error.first_seen_at >= max(newest),
    )


def _release(deployed: Releases, services: list[str], moment: datetime) -> str:
    versions = [each.version for name in services if (each := deployed.at(name, moment)) is not None]
    return ", ".join(dict.fromkeys(versions))
