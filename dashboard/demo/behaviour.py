"""How a workload behaves: traffic in, CPU, latency and errors out, at the replicas that the autoscaler gives it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dashboard.demo.autoscaler import Autoscaler
from dashboard.demo.fleet import STAGING_LOAD, SimulatedService
from dashboard.demo.noise import Floats, Times, stream_of, uniform, wander
from dashboard.demo.story import DAY, HOUR, MINUTE, Story

_IDLE_CORES: Final = 0.02
"""CPU of a replica without traffic."""
_FAILING_ERRORS: Final = 0.14
_FAILING_LATENCY: Final = 4.5
_FIRST_SATURDAY: Final = 2
"""1970-01-01 was a Thursday, so day 2 was a Saturday."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a workload did at each tick, float64[T]; rates are per second over all replicas."""

    times_ms: Times
    requests: Floats
    error_ratio: Floats
    latency_seconds: Floats
    """Median."""
    cpu_cores: Floats
    ready: Floats
    desired: Floats


def behave(story: Story, service: SimulatedService, environment: str, scaler: Autoscaler, times_ms: Times) -> Behaviour:
    """Let the workload live through `times_ms`, moving `scaler` on."""
    requests = traffic(story, service, environment, times_ms)
    failing = story.failing(service, environment, times_ms)
    demand = requests * service.cpu_seconds_per_request * (1 + 0.6 * failing)
    ready, desired = scaler.advance(times_ms, demand)
    capacity = ready * service.cpu_limit
    cores = np.minimum(demand + _IDLE_CORES * ready, capacity)
    fullness = (demand + _IDLE_CORES * ready) / capacity
    overload = np.clip(fullness - 0.8, 0, None)
    return Behaviour(
        times_ms=times_ms,
        requests=requests,
        error_ratio=np.clip(service.error_ratio + _FAILING_ERRORS * failing + 0.5 * overload, 0, 0.6),
        latency_seconds=service.latency_seconds * (1 + _FAILING_LATENCY * failing + 3 * fullness**4),
        cpu_cores=cores,
        ready=ready,
        desired=desired,
    )


def traffic(story: Story, service: SimulatedService, environment: str, times_ms: Times) -> Floats:
    """Requests per second: a day with a peak, quieter weekends, slow drift and quick noise."""
    stream = stream_of(story.seed, service.name, environment, "traffic")
    hour = times_ms % DAY / HOUR
    day_shape = 0.25 + 0.75 * ((1 + np.cos(2 * np.pi * (hour - service.peak_hour) / 24)) / 2) ** 1.6
    weekend = (times_ms // DAY - _FIRST_SATURDAY) % 7 < 2
    noise = 1 + 0.08 * wander(stream, times_ms, 40 * MINUTE) + 0.05 * (uniform(stream + 1, times_ms // 15_000) - 0.5)
    scale = service.peak_rps * (STAGING_LOAD if environment == "staging" else 1.0)
    shape = day_shape * np.where(weekend, service.weekend_ratio, 1.0)
    requests: Floats = noise * (scale * shape + story.rush(service, environment, times_ms))
    return requests
