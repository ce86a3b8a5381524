"""The store tests run twice: on the embedded engine, and through the real HTTP client and wire."""

import pytest

from telemetry.store import TelemetryStore


@pytest.fixture(params=["chdb", "clickhouse"])
def store(request: pytest.FixtureRequest) -> TelemetryStore:
    """An empty store, once on each kind of URL."""
    name = {"chdb": "open_store", "clickhouse": "server_store"}[request.param]
    found: TelemetryStore = request.getfixturevalue(name)
    found.clear()
    return found
