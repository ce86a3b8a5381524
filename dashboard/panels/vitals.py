"""Vitals of services from their signals: the newest values and the ratios between them."""

from dashboard.panels.golden_signals import (
    CPU,
    CPU_LIMIT,
    ERRORS,
    LATENCY,
    MEMORY,
    MEMORY_LIMIT,
    REPLICAS,
    REPLICAS_WANTED,
    REQUESTS,
)
from dashboard.panels.health import Vitals
from dashboard.panels.signal_values import Readings


def vitals_of(readings: Readings, service: str, silent_ms: int | None) -> Vitals:
    """The newest values of `service` on the grid of `readings`."""
    requests, errors = readings.last(REQUESTS.name, service), readings.last(ERRORS, service)
    cpu, memory = readings.last(CPU.name, service), readings.last(MEMORY.name, service)
    return Vitals(
        requests_per_second=requests,
        error_ratio=ratio(errors, requests),
        latency_seconds=readings.last(LATENCY.name, service),
        cpu_cores=cpu,
        cpu_saturation_ratio=ratio(cpu, readings.last(CPU_LIMIT.name, service)),
        memory_bytes=memory,
        memory_saturation_ratio=ratio(memory, readings.last(MEMORY_LIMIT.name, service)),
        replicas=readings.last(REPLICAS.name, service),
        replicas_wanted=readings.last(REPLICAS_WANTED.name, service),
        silent_ms=silent_ms,
    )


def ratio(part: float | None, whole: float | None) -> float | None:
    """None if either is unknown or the whole is zero: 0 of 0 requests is not an error ratio of 0."""
    return part / whole if part is not None and whole else None
