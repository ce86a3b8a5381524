"""What runs and how much it is used, for everything that judges findings by it."""

import time
from collections.abc import Mapping
from typing import Final

import numpy as np
from django.core.cache import cache

from dashboard.panels.golden_signals import REPLICAS, REQUESTS
from dashboard.panels.signal_values import Floats, read_signals
from policies.dependencies.standing import Running
from telemetry.model.errors import TelemetryError
from telemetry.model.time import TimeGrid
from telemetry.store import TelemetryStore, current

WEEK_MS: Final = 7 * 86_400_000
TRAFFIC_KEY: Final = "security:requests-per-second"
TRAFFIC_SECONDS: Final = 600
"""Means over a week hardly move in ten minutes, and reading a week of every counter is dear."""


def running_now() -> Running:
    """Replicas of this moment and mean traffic of the last week."""
    try:
        store, now_ms = current(), int(time.time() * 1000)
        return Running(_traffic(store, now_ms), _replicas(store, now_ms))
    except TelemetryError as error:
        return Running(error=str(error))


def _replicas(store: TelemetryStore, now_ms: int) -> dict[str, int]:
    readings = read_signals(store, TimeGrid(now_ms, now_ms, 1000), signals=(REPLICAS,))
    return {name: round(value) for name, value in _last(readings.values[REPLICAS.name]).items()}


def _traffic(store: TelemetryStore, now_ms: int) -> dict[str, float]:
    found: dict[str, float] | None = cache.get(TRAFFIC_KEY)
    if found is None:
        grid = TimeGrid(now_ms, now_ms, 1000)
        found = _last(read_signals(store, grid, signals=(REQUESTS,), window_ms=WEEK_MS).values[REQUESTS.name])
        cache.set(TRAFFIC_KEY, found, TRAFFIC_SECONDS)
    return found


def _last(values: Mapping[str, Floats]) -> dict[str, float]:
    """The one value on the grid of each service that has any."""
    return {name: float(each[-1]) for name, each in values.items() if np.isfinite(each[-1])}
