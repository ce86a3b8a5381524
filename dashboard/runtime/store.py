"""Opens the telemetry store of this process and puts it where every floor finds it."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from dashboard.runtime.log_care import log_rules_now
from fleet.mapping import resolve_service
from fleet.selectors.limits import service_limits
from telemetry.store import StoreSettings, TelemetryStore, set_current
from telemetry.store.service_limits import ServiceLimit


def open_store() -> TelemetryStore:
    """Open the store of the settings and make it the current one. Raises StoreUnavailable if the engine refuses."""
    limits: dict[str, Any] = settings.TELEMETRY
    store = TelemetryStore.open(
        settings.TELEMETRY_URL,
        StoreSettings(**limits),
        resolve_service=resolve_service,
        limits=limits_by_service,
        log_rules=log_rules_now,
    )
    set_current(store)
    return store


def limits_by_service() -> dict[str, ServiceLimit]:
    """Rows of the page of limits as the store takes them."""
    return {
        name: ServiceLimit(row.max_series, row.new_series_per_hour, row.samples_per_second)
        for name, row in service_limits().items()
    }


def close_store(store: TelemetryStore) -> None:
    """Commit what was accepted, then close. Nobody finds the store any more."""
    set_current(None)
    store.close()


@contextlib.contextmanager
def opened_store() -> Iterator[TelemetryStore]:
    """The store, open inside the block."""
    store = open_store()
    try:
        yield store
    finally:
        close_store(store)
