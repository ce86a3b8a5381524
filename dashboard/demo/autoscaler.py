"""The autoscaler of the simulated fleet: the formula of policies.scaling, step by step, with a start-up delay."""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from dashboard.demo.carry import Carry
from dashboard.demo.fleet import SimulatedService
from dashboard.demo.noise import Floats, Times
from policies.scaling.recommendation import DEFAULT_TOLERANCE

STABILISATION_MS: Final = 300_000
"""Scaling down follows the highest recommendation of this time.

Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#stabilization-window
"""
START_UP_MS: Final = 90_000
"""From the decision until a new replica is ready."""


@dataclass(slots=True)
class Autoscaler:
    """Replica counts of one workload; `advance` goes on where the last call ended."""

    service: SimulatedService
    minimum: int
    maximum: int
    desired: int
    ready: int
    _starting: deque[tuple[int, int]] = field(default_factory=deque)
    """(when ready, how many)"""
    _recommended: deque[tuple[int, int]] = field(default_factory=deque)

    def carry(self) -> Carry:
        return {
            "desired": self.desired,
            "ready": self.ready,
            "starting": list(self._starting),
            "recommended": list(self._recommended),
        }

    def resume(self, carry: Carry) -> None:
        self.desired, self.ready = carry["desired"], carry["ready"]
        self._starting = deque((at, count) for at, count in carry["starting"])
        self._recommended = deque((at, count) for at, count in carry["recommended"])

    def advance(self, times_ms: Times, cpu_cores: Floats) -> tuple[Floats, Floats]:
        """(ready, desired) at each time, float64[T], for a demand of `cpu_cores` over all replicas."""
        ready, desired = np.empty(len(times_ms)), np.empty(len(times_ms))
        for index, (at_ms, cores) in enumerate(zip(times_ms.tolist(), cpu_cores.tolist(), strict=True)):
            self._start(at_ms)
            ready[index] = self.ready
            self._decide(at_ms, cores)
            desired[index] = self.desired
        return ready, desired

    def _start(self, at_ms: int) -> None:
        while self._starting and self._starting[0][0] <= at_ms:
            self.ready = min(self.ready + self._starting.popleft()[1], self.desired)

    def _decide(self, at_ms: int, cores: float) -> None:
        wanted = self._stabilised(at_ms, self._wanted(cores))
        if wanted > self.desired:
            self._starting.append((at_ms + START_UP_MS, wanted - self.desired))
        elif wanted < self.desired:
            self.ready = min(self.ready, wanted)
        self.desired = wanted

    def _wanted(self, cores: float) -> int:
        """`recommend_replicas` without its words: this runs a million times."""
        ratio = cores / (self.ready * self.service.cpu_request) / self.service.target_ratio
        near = 1 - DEFAULT_TOLERANCE <= ratio <= 1 + DEFAULT_TOLERANCE
        wanted = self.desired if near else math.ceil(self.ready * ratio)
        return max(self.minimum, min(wanted, self.maximum))

    def _stabilised(self, at_ms: int, wanted: int) -> int:
        self._recommended.append((at_ms, wanted))
        while self._recommended[0][0] <= at_ms - STABILISATION_MS:
            self._recommended.popleft()
        highest = max(count for _, count in self._recommended)
        return wanted if wanted >= self.desired else min(highest, self.desired)
