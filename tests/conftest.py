"""What every test may ask for: the telemetry store, open once a process and empty for each test."""

from collections.abc import Iterator

import pytest

from telemetry.model.labels import Labels, label_value
from telemetry.store import StoreSettings, TelemetryStore, set_current
from tests.environment import DATA


def service_of(signal: str, labels: Labels, bound: str | None) -> str:
    """Stand-in for the mapping rules: the bound service, else the usual labels."""
    names = ("service", "job", "service.name", "service_name")
    return bound or next((value for name in names if (value := label_value(labels, name))), "unmapped")


@pytest.fixture(scope="session")
def open_store() -> Iterator[TelemetryStore]:
    """The one store of this test process, on the embedded engine."""
    store = TelemetryStore.open(
        f"chdb://{DATA}/telemetry", StoreSettings(fsync=False, group_commit_ms=1), resolve_service=service_of
    )
    yield store
    store.close()


@pytest.fixture
def store(open_store: TelemetryStore) -> Iterator[TelemetryStore]:
    """The store, empty, also in the slot that `telemetry.store.current()` reads."""
    open_store.clear()
    set_current(open_store)
    yield open_store
    set_current(None)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes get the name of their argument: they may hold the present time, and every process must name them alike."""
    return argname if isinstance(val, bytes) else None
