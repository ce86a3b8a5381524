"""The fleet in motion: advanced chunk by chunk, each with its series, logs and what a bill will be made of."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from dashboard.demo.autoscaler import Autoscaler
from dashboard.demo.behaviour import Behaviour, behave
from dashboard.demo.blocks import SeriesBlock
from dashboard.demo.carry import Carry
from dashboard.demo.cluster import Cluster
from dashboard.demo.fleet import ENVIRONMENTS, SimulatedService
from dashboard.demo.latency import Latency
from dashboard.demo.noise import Times
from dashboard.demo.replicas import Replicas
from dashboard.demo.story import DAY, Rollout, Story

STAGING_MAXIMUM: Final = 2


@dataclass(slots=True)
class Workload:
    """One service in one environment, with everything that goes on from chunk to chunk."""

    service: SimulatedService
    environment: str
    scaler: Autoscaler
    replicas: Replicas
    cluster: Cluster
    latency: Latency | None
    """None in staging, where nothing measures it."""
    replica_hours: dict[int, float] = field(default_factory=dict)
    """By day since 1970."""

    @classmethod
    def of(cls, story: Story, service: SimulatedService, environment: str) -> "Workload":
        staging = environment == "staging"
        minimum, maximum = (1, STAGING_MAXIMUM) if staging else (service.minimum, service.maximum)
        return cls(
            service,
            environment,
            Autoscaler(service, minimum, maximum, minimum, minimum),
            Replicas(story, service, environment, maximum),
            Cluster.of(service, environment, minimum, maximum),
            None if staging else Latency.of(service, environment),
        )

    def carry(self) -> Carry:
        return {
            "scaler": self.scaler.carry(),
            "replicas": self.replicas.carry(),
            "cluster": self.cluster.carry(),
            "latency": self.latency.carry() if self.latency else None,
            "replica_hours": {str(day): hours for day, hours in self.replica_hours.items()},
        }

    def resume(self, carry: Carry) -> None:
        self.scaler.resume(carry["scaler"])
        self.replicas.resume(carry["replicas"])
        self.cluster.resume(carry["cluster"])
        if self.latency is not None:
            self.latency.resume(carry["latency"])
        self.replica_hours = {int(day): hours for day, hours in carry["replica_hours"].items()}

    def note_hours(self, behaviour: Behaviour, step_ms: int) -> None:
        """Count replica hours by day."""
        days = (behaviour.times_ms - 1) // DAY  # a tick speaks for the step that ends with it
        for day in np.unique(days).tolist():
            hours = float(behaviour.ready[days == day].sum()) * step_ms / 3_600_000
            self.replica_hours[day] = self.replica_hours.get(day, 0.0) + hours


@dataclass(frozen=True, slots=True)
class WorkloadChunk:
    """What one workload did in a chunk."""

    workload: Workload
    behaviour: Behaviour
    series: list[SeriesBlock]


class Simulation:
    """The whole fleet. The state after a chunk is all that the next one starts from."""

    def __init__(self, story: Story, services: list[SimulatedService]) -> None:
        self.story = story
        self.services = services
        self.workloads = [
            Workload.of(story, service, environment) for service in services for environment in ENVIRONMENTS
        ]

    def carry(self) -> Carry:
        """The state as JSON; `resume` takes it back."""
        return {f"{one.service.name}/{one.environment}": one.carry() for one in self.workloads}

    def resume(self, carry: Carry) -> None:
        """Go on from a state of the same fleet."""
        for one in self.workloads:
            one.resume(carry[f"{one.service.name}/{one.environment}"])

    def advance(self, times_ms: Times, step_ms: int) -> Iterator[WorkloadChunk]:
        """Each workload through `times_ms` (multiples of `step_ms`, ascending). Use up the iterator."""
        rollouts = self._rollouts(int(times_ms[-1]) + 1)
        for workload in self.workloads:
            behaviour = behave(self.story, workload.service, workload.environment, workload.scaler, times_ms)
            workload.note_hours(behaviour, step_ms)
            moments = rollouts.get((workload.service.name, workload.environment), [])
            series = workload.replicas.advance(behaviour, np.array(moments, np.int64), step_ms)
            series += workload.cluster.advance(behaviour)
            if workload.latency is not None:
                series += workload.latency.advance(behaviour, step_ms)
            yield WorkloadChunk(workload, behaviour, series)

    def rollouts(self, until_ms: int) -> list[Rollout]:
        """Deployments of the whole fleet before `until_ms`, by time."""
        found = [rollout for service in self.services for rollout in self.story.rollouts(service, until_ms)]
        return sorted(found, key=lambda rollout: (rollout.at_ms, rollout.service))

    def _rollouts(self, until_ms: int) -> dict[tuple[str, str], list[int]]:
        by_workload: dict[tuple[str, str], list[int]] = {}
        for rollout in self.rollouts(until_ms):
            by_workload.setdefault((rollout.service, rollout.environment), []).append(rollout.at_ms)
        return by_workload
