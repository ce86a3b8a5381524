"""A stretch of simulated time as requests: what is generated in a thread while the stretch before it is sent."""

from dataclasses import dataclass, field

import numpy as np

from dashboard.demo.blocks import SeriesBlock
from dashboard.demo.carry import Carry
from dashboard.demo.log_bodies import Stream, loki_requests, otlp_requests
from dashboard.demo.log_lines import log_lines
from dashboard.demo.noise import Times
from dashboard.demo.remote_write import requests_of
from dashboard.demo.sender import Post, document, loki, otlp, remote_write
from dashboard.demo.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Chunk:
    """Everything of one stretch, ready to be sent."""

    end_ms: int
    step_ms: int
    carry: Carry
    """State of the simulation at the end."""
    metrics: list[Post] = field(default_factory=list)
    logs: list[Post] = field(default_factory=list)
    deployments: list[Post] = field(default_factory=list)
    samples: int = 0
    lines: int = 0


def ticks(start_ms: int, end_ms: int, step_ms: int) -> Times:
    """int64[T]: multiples of the step in (start, end]."""
    first = (start_ms // step_ms + 1) * step_ms
    return np.arange(first, end_ms + 1, step_ms, dtype=np.int64)


def make_chunk(simulation: Simulation, start_ms: int, end_ms: int, step_ms: int) -> Chunk:
    """Live through (start, end] and put what happened into requests."""
    times = ticks(start_ms, end_ms, step_ms)
    if not len(times):
        return Chunk(end_ms, step_ms, simulation.carry())
    series: list[SeriesBlock] = []
    streams: dict[str, list[Stream]] = {"loki": [], "otlp": []}
    for part in simulation.advance(times, step_ms):
        series += part.series
        if lines := log_lines(simulation.story, part, step_ms):
            streams[part.workload.service.sender].append((part.workload, lines))
    metrics = list(requests_of(series))
    logs = [(loki(body), count) for body, count in loki_requests(streams["loki"])]
    logs += [(otlp(body), count) for body, count in otlp_requests(streams["otlp"])]
    return Chunk(
        end_ms=end_ms,
        step_ms=step_ms,
        carry=simulation.carry(),
        metrics=[remote_write(body) for body, _ in metrics],
        logs=[post for post, _ in logs],
        deployments=_deployments(simulation, start_ms, end_ms),
        samples=sum(count for _, count in metrics),
        lines=sum(count for _, count in logs),
    )


def _deployments(simulation: Simulation, start_ms: int, end_ms: int) -> list[Post]:
    return [
        document(
            "/api/deployments",
            {
                "service": rollout.service,
                "environment": rollout.environment,
                "version": rollout.version,
                "commit": rollout.commit,
                "time": _iso(rollout.at_ms),
                "description": rollout.description,
            },
        )
        for rollout in simulation.rollouts(end_ms + 1)
        if rollout.at_ms > start_ms
    ]


def _iso(at_ms: int) -> str:
    return f"{np.datetime64(at_ms, 'ms')}Z"
