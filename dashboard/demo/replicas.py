"""Series of single replicas: requests by code, CPU, memory and `up` of every process or container."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.demo.behaviour import Behaviour
from dashboard.demo.blocks import SeriesBlock, mortal_blocks
from dashboard.demo.carry import Carry
from dashboard.demo.counters import Counters
from dashboard.demo.fleet import SimulatedService
from dashboard.demo.noise import Floats, Times, stream_of, uniform, wander
from dashboard.demo.story import HOUR, MINUTE, Story

CODES: Final = ("200", "404", "500")
_NOT_FOUND: Final = 0.015
_LEAK_TO_LIMIT_MS: Final = 20 * HOUR
"""Until a replica with the leak reaches its limit and is killed."""

Bools = NDArray[np.bool_]


@dataclass(slots=True)
class Replicas:
    """The replicas of one workload by slot; `advance` goes on where the last call ended."""

    story: Story
    service: SimulatedService
    environment: str
    slots: int
    _requests: list[Counters] = field(init=False)
    _cpu: Counters = field(init=False)
    _alive: Bools = field(init=False)
    _started_ms: Times = field(init=False)

    def __post_init__(self) -> None:
        self._requests = [Counters.zeros(self.slots) for _ in CODES]
        self._cpu = Counters.zeros(self.slots)
        self._alive = np.zeros(self.slots, bool)
        self._started_ms = np.full(self.slots, self.story.start_ms - 6 * HOUR, np.int64)

    def carry(self) -> Carry:
        return {
            "requests": [counters.carry() for counters in self._requests],
            "cpu": self._cpu.carry(),
            "alive": self._alive.tolist(),
            "started_ms": self._started_ms.tolist(),
        }

    def resume(self, carry: Carry) -> None:
        for counters, part in zip(self._requests, carry["requests"], strict=True):
            counters.resume(part)
        self._cpu.resume(carry["cpu"])
        self._alive = np.array(carry["alive"], bool)
        self._started_ms = np.array(carry["started_ms"], np.int64)

    def advance(self, behaviour: Behaviour, rollouts_ms: Times, step_ms: int) -> list[SeriesBlock]:
        """All series of the chunk. `rollouts_ms` are the moments at which every replica is replaced."""
        alive = np.arange(self.slots)[:, None] < behaviour.ready[None, :]
        restarts = self._restarts(behaviour.times_ms, alive, rollouts_ms, step_ms)
        started = self._starts(behaviour.times_ms, restarts)
        seconds = step_ms / 1000
        share = self._shares(behaviour, alive) * seconds
        columns: list[tuple[str, dict[str, str], Floats]] = [
            ("http_requests_total", {"code": code}, np.floor(counters.advance(share * ratio, restarts)))
            for code, ratio, counters in zip(CODES, self._ratios(behaviour), self._requests, strict=True)
        ]
        cores = behaviour.cpu_cores / np.maximum(behaviour.ready, 1) * seconds * alive
        columns.append((self._cpu_metric, {}, np.round(self._cpu.advance(cores, restarts), 3)))
        columns.append((self._memory_metric, {}, self._memory(behaviour, started)))
        columns.append(("up", {}, np.ones_like(share)))
        if self.service.has_process_metrics:
            columns.append(("process_start_time_seconds", {}, started / 1000))
        blocks = [
            found
            for metric, labels, values in columns
            for found in mortal_blocks(metric, self._labels(labels), behaviour.times_ms, values, alive, self._alive)
        ]
        self._alive = alive[:, -1].copy()
        return blocks

    @property
    def _cpu_metric(self) -> str:
        return "process_cpu_seconds_total" if self.service.has_process_metrics else "container_cpu_usage_seconds_total"

    @property
    def _memory_metric(self) -> str:
        if self.service.has_process_metrics:
            return "process_resident_memory_bytes"
        return "container_memory_working_set_bytes"

    def _labels(self, extra: Mapping[str, str]) -> list[dict[str, str]]:
        own = {} if self.service.has_process_metrics else {"container": "app"}
        return [
            {
                "service": self.service.name,
                "job": self.service.name,
                "environment": self.environment,
                "instance": f"{pod_name(self.service, self.environment, slot)}:8080",
                **(own if not extra else {}),
                **extra,
            }
            for slot in range(self.slots)
        ]

    def _ratios(self, behaviour: Behaviour) -> list[Floats]:
        return [
            1 - _NOT_FOUND - behaviour.error_ratio,
            np.full(len(behaviour.times_ms), _NOT_FOUND),
            behaviour.error_ratio,
        ]

    def _shares(self, behaviour: Behaviour, alive: Bools) -> Floats:
        """Requests per second of each replica: even, but for a bias of its own."""
        stream = stream_of(self.story.seed, self.service.name, self.environment, "balance")
        bias = (0.94 + 0.12 * uniform(stream, np.arange(self.slots, dtype=np.int64)))[:, None] * alive
        shares: Floats = behaviour.requests * bias / np.maximum(bias.sum(axis=0), 1e-9)
        return shares

    def _restarts(self, times_ms: Times, alive: Bools, rollouts_ms: Times, step_ms: int) -> Bools:
        """Ticks at which a replica is a new process: it came up, was replaced by a rollout, or was killed."""
        before = np.concatenate([self._alive[:, None], alive[:, :-1]], axis=1)
        replaced = np.isin(times_ms, -(-rollouts_ms // step_ms) * step_ms)
        restarts: Bools = (alive & ~before) | (alive & replaced[None, :]) | (alive & self._killed(times_ms, step_ms))
        return restarts

    def _killed(self, times_ms: Times, step_ms: int) -> Bools:
        """Where the leak reached the limit: every _LEAK_TO_LIMIT_MS, a little later for each slot."""
        if not self.story.leaks(self.service, self.environment):
            return np.zeros((self.slots, len(times_ms)), bool)
        begin, end = self.story.leak_ms
        leaking = (times_ms > begin) & (times_ms < end)
        age = times_ms[None, :] - begin - np.arange(self.slots, dtype=np.int64)[:, None] * 37 * MINUTE
        killed: Bools = leaking & (age > 0) & (age // _LEAK_TO_LIMIT_MS != (age - step_ms) // _LEAK_TO_LIMIT_MS)
        return killed & (age // _LEAK_TO_LIMIT_MS > 0)

    def _starts(self, times_ms: Times, restarts: Bools) -> Times:
        """int64[slots, T]: when the process of each tick started."""
        moments = np.where(restarts, times_ms[None, :], self._started_ms[:, None])
        started: Times = np.maximum.accumulate(np.maximum(moments, self._started_ms[:, None]), axis=1)
        self._started_ms = started[:, -1].copy()
        return started

    def _memory(self, behaviour: Behaviour, started: Times) -> Floats:
        stream = stream_of(self.story.seed, self.service.name, self.environment, "memory")
        per_replica = behaviour.requests / np.maximum(behaviour.ready, 1)
        used = self.service.memory_bytes + 2**18 * per_replica
        drift = np.stack([wander(stream + slot, behaviour.times_ms, 3 * HOUR) for slot in range(self.slots)])
        memory = used[None, :] * (1 + 0.04 * drift) + self._leaked(behaviour.times_ms, started)
        return np.round(np.minimum(memory, self.service.memory_limit_bytes) / 4096) * 4096

    def _leaked(self, times_ms: Times, started: Times) -> Floats:
        if not self.story.leaks(self.service, self.environment):
            return np.zeros(started.shape)
        begin, end = self.story.leak_ms
        leaking = (times_ms >= begin) & (times_ms < end)
        age = np.clip(times_ms[None, :] - np.maximum(started, begin), 0, None)
        room = self.service.memory_limit_bytes - self.service.memory_bytes
        leaked: Floats = leaking * room * age / _LEAK_TO_LIMIT_MS
        return leaked


def pod_name(service: SimulatedService, environment: str, slot: int) -> str:
    """Name of the replica in a slot."""
    return f"{service.name}-{environment[:4]}-{slot}"
