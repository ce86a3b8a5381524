"""The tests on stored lines run on the embedded engine and through the real HTTP client and wire."""

from tests.telemetry.store.conftest import store

__all__ = ["store"]
