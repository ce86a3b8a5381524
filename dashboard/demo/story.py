"""What happens to the simulated fleet: deployments, and three incidents that people will look for."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dashboard.demo.fleet import BAD_DEPLOY, MEMORY_LEAK, SURGE, SimulatedService
from dashboard.demo.noise import Floats, Times, one, stream_of

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_DEPLOY_EVERY_DAYS: Final = 3
_STAGING_AHEAD_MS: Final = 2 * HOUR


@dataclass(frozen=True, slots=True)
class Rollout:
    """A version that starts to run at a moment."""

    service: str
    environment: str
    version: str
    commit: str
    at_ms: int
    description: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """The days from `start_ms` on (midnight UTC) and when things happen in them."""

    seed: int
    start_ms: int
    days: int

    @property
    def bad_deploy_ms(self) -> tuple[int, int]:
        """(deployment, rollback) of the version that fails."""
        at = self._moment(0.36, hours=14.2)
        return at, at + 50 * MINUTE

    @property
    def leak_ms(self) -> tuple[int, int]:
        """(deployment, repair) of the version that leaks memory."""
        return self._moment(0.5, hours=9), self._moment(0.68, hours=11)

    @property
    def surge_ms(self) -> tuple[int, int]:
        """(begin, end) of the rush of traffic."""
        at = self._moment(0.86, hours=18.5)
        return at, at + 150 * MINUTE

    def _moment(self, share: float, hours: float) -> int:
        return self.start_ms + int(share * self.days) * DAY + int(hours * HOUR)

    def rush(self, service: SimulatedService, environment: str, times_ms: Times) -> Floats:
        """Requests per second that come on top of an ordinary day: as much as all replicas can do at their limits."""
        if service.role != SURGE or environment != "production":
            return np.zeros(len(times_ms))
        begin, end = self.surge_ms
        middle, width = (begin + end) / 2, (end - begin) / 2
        rush: Floats = service.capacity_rps * np.exp(-(((times_ms - middle) / (0.75 * width)) ** 4))
        return rush

    def failing(self, service: SimulatedService, environment: str, times_ms: Times) -> Floats:
        """1 while the failing version of the bad deployment runs, else 0."""
        begin, end = self.bad_deploy_ms
        hit = service.role == BAD_DEPLOY and environment == "production"
        return ((times_ms >= begin) & (times_ms < end) & hit).astype(np.float64)

    def leaks(self, service: SimulatedService, environment: str) -> bool:
        return service.role == MEMORY_LEAK and environment == "production"

    def rollouts(self, service: SimulatedService, until_ms: int) -> list[Rollout]:
        """Every deployment of a service from the first day until `until_ms` (exclusive), by time."""
        return sorted(
            (rollout for rollout in self._all_rollouts(service, until_ms) if rollout.at_ms < until_ms),
            key=lambda rollout: (rollout.at_ms, rollout.environment),
        )

    def _all_rollouts(self, service: SimulatedService, until_ms: int) -> list[Rollout]:
        stream = stream_of(self.seed, service.name, "deploys")
        planned = []
        number, day = 0, one(stream) * _DEPLOY_EVERY_DAYS
        while (at := self._working_hour(stream, number, day)) < until_ms:
            if not self._is_taken(service, at):
                planned.append((at, f"2.{4 + number}.0", "planned release"))
            number += 1
            day += _DEPLOY_EVERY_DAYS * (0.6 + 0.8 * one(stream, number))
        return [
            rollout
            for at, version, words in [*planned, *self._rollouts_of_incident(service)]
            for rollout in self._both_environments(service, at, version, words)
        ]

    def _working_hour(self, stream: int, number: int, day: float) -> int:
        hour = 9 + 7 * one(stream, 1000 + number)
        return self.start_ms + int(day) * DAY + int(hour * 60) * MINUTE

    def _is_taken(self, service: SimulatedService, at_ms: int) -> bool:
        """A planned release would end an incident too early, so there is none within it."""
        windows = {BAD_DEPLOY: self.bad_deploy_ms, MEMORY_LEAK: self.leak_ms}
        begin, end = windows.get(service.role, (0, 0))
        return begin - 4 * HOUR <= at_ms <= end + 2 * HOUR

    def _rollouts_of_incident(self, service: SimulatedService) -> list[tuple[int, str, str]]:
        if service.role == BAD_DEPLOY:
            begin, end = self.bad_deploy_ms
            return [(begin, "3.0.0", "new pricing engine"), (end, "2.9.4", "rollback of 3.0.0")]
        if service.role == MEMORY_LEAK:
            begin, end = self.leak_ms
            return [(begin, "3.1.0", "cache of shipping rates"), (end, "3.1.1", "bounded the cache of shipping rates")]
        return []

    def _both_environments(self, service: SimulatedService, at_ms: int, version: str, words: str) -> list[Rollout]:
        commit = f"{stream_of(self.seed, service.name, version):016x}"[:12]
        moments = {"staging": at_ms - _STAGING_AHEAD_MS, "production": at_ms}
        return [
            Rollout(service.name, environment, version, commit, moment, words)
            for environment, moment in moments.items()
            if moment >= self.start_ms
        ]
