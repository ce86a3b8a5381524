"""The stores of the store tests."""

from tests.telemetry.store.conftest import *  # noqa: F403
