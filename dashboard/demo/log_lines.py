"""What the simulated services log: requests and work as structlog writes them, and bursts when something breaks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dashboard.demo.behaviour import Behaviour
from dashboard.demo.fleet import SimulatedService
from dashboard.demo.noise import Floats, stream_of, uniform
from dashboard.demo.simulation import WorkloadChunk
from dashboard.demo.story import MINUTE, Story

LINES_A_MINUTE: Final = {"production": 0.4, "staging": 0.05}
"""Ordinary lines of one service: a sample of what a real one writes."""
MOST_ERRORS_A_MINUTE: Final = 8.0

ROUTES: Final = {
    "storefront": ("/", "/offers", "/p/{id}"),
    "search": ("/search", "/suggest"),
    "checkout": ("/checkout", "/checkout/confirm", "/checkout/price"),
    "payments": ("/payments", "/payments/{id}/capture"),
    "auth": ("/login", "/token", "/userinfo"),
    "orders": ("/orders", "/orders/{id}", "/orders/{id}/rates"),
}
_ANY_ROUTES: Final = ("/v1/items", "/v1/items/{id}", "/healthz")

_WORK: Final = (
    ("info", "cache refreshed", "cache"),
    ("info", "job finished", "jobs"),
    ("debug", "connection returned to the pool", "db"),
    ("warning", "slow query", "db"),
    ("warning", "retrying after timeout", "client"),
)
_FAULTS: Final = (
    ("upstream timed out", "TimeoutError: no answer from the database within 2.0 s"),
    ("connection reset by peer", "ConnectionResetError: [Errno 104] Connection reset by peer"),
)
_BAD_DEPLOY_FAULT: Final = (
    "price could not be computed",
    "Traceback (most recent call last):\n"
    '  File "/app/checkout/pricing.py", line 88, in total\n'
    "    return sum(line.price * line.quantity for line in cart.lines)\n"
    "TypeError: unsupported operand type(s) for *: 'NoneType' and 'int'",
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event of a service; `fields` is what structlog binds to it."""

    timestamp_ns: int
    level: str
    event: str
    fields: dict[str, Any]


def log_lines(story: Story, chunk: WorkloadChunk, step_ms: int) -> list[LogLine]:
    """Everything one workload logs in a chunk, by time."""
    service, environment = chunk.workload.service, chunk.workload.environment
    writer = _Writer(story, service, environment, chunk.behaviour, step_ms)
    lines = [*writer.ordinary(), *writer.errors(), *writer.of_the_leak()]
    return sorted(lines, key=lambda line: line.timestamp_ns)


class _Writer:
    """Lines of one workload; which and when follows from the noise of its own stream."""

    def __init__(
        self, story: Story, service: SimulatedService, environment: str, behaviour: Behaviour, step_ms: int
    ) -> None:
        self._story, self._service, self._environment = story, service, environment
        self._behaviour, self._step_ms = behaviour, step_ms
        self._stream = stream_of(story.seed, service.name, environment, "logs")

    def ordinary(self) -> Iterator[LogLine]:
        expected = np.full(len(self._behaviour.times_ms), LINES_A_MINUTE[self._environment])
        for index, at_ns, lot in self._moments(expected, 0):
            yield self._request(index, at_ns, lot) if lot < 0.75 else self._work(at_ns, lot)

    def errors(self) -> Iterator[LogLine]:
        behaviour = self._behaviour
        failed_a_minute = behaviour.requests * np.clip(behaviour.error_ratio - 0.004, 0, None) * 60
        failing = self._story.failing(self._service, self._environment, behaviour.times_ms) > 0
        for index, at_ns, lot in self._moments(np.minimum(failed_a_minute, MOST_ERRORS_A_MINUTE), 100):
            event, exception = _BAD_DEPLOY_FAULT if failing[index] else _FAULTS[int(lot * len(_FAULTS))]
            fields = {**self._context(at_ns, "http"), "status": 500, "exception": exception}
            yield LogLine(at_ns, "error", event, fields)

    def of_the_leak(self) -> Iterator[LogLine]:
        if not self._story.leaks(self._service, self._environment):
            return
        begin, end = self._story.leak_ms
        times = self._behaviour.times_ms
        leaking = ((times > begin) & (times < end)).astype(np.float64)
        for _, at_ns, lot in self._moments(0.1 * leaking, 200):
            used = 600 + int(400 * lot)
            yield LogLine(at_ns, "warning", "memory is high", {"logger": "runtime", "resident_mib": used})

    def _moments(self, expected_a_minute: Floats, salt: int) -> Iterator[tuple[int, int, float]]:
        """(tick, time in ns, a number in [0, 1) to choose by) of each line; `expected_a_minute[T]` on average."""
        times = self._behaviour.times_ms
        ticks = times // 1000
        expected = expected_a_minute * self._step_ms / MINUTE
        counts = np.floor(expected + uniform(self._stream + salt, ticks)).astype(np.int64)
        index = np.repeat(np.arange(len(times)), counts)
        place = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
        number = ticks[index] * 64 + place
        offset = uniform(self._stream + salt + 1, number) * self._step_ms * 1_000_000
        at_ns = (times[index] - self._step_ms) * 1_000_000 + offset.astype(np.int64)
        lots = uniform(self._stream + salt + 2, number)
        yield from zip(index.tolist(), at_ns.tolist(), lots.tolist(), strict=True)

    def _request(self, index: int, at_ns: int, lot: float) -> LogLine:
        routes = ROUTES.get(self._service.role, _ANY_ROUTES)
        draw = _fraction(at_ns)
        latency = float(self._behaviour.latency_seconds[index]) * (0.5 + 1.5 * draw)
        status = 404 if lot < 0.02 else 200
        fields = {
            **self._context(at_ns, "http"),
            "method": "POST" if draw > 0.7 else "GET",
            "path": routes[at_ns % len(routes)].replace("{id}", str(at_ns // 1000 % 9000 + 1000)),
            "status": status,
            "duration_ms": round(1000 * latency, 1),
        }
        return LogLine(at_ns, "info", "request finished", fields)

    def _work(self, at_ns: int, lot: float) -> LogLine:
        level, event, logger = _WORK[int((lot - 0.75) * 4 * len(_WORK))]
        return LogLine(at_ns, level, event, {**self._context(at_ns, logger), "elapsed_ms": round(900 * lot, 1)})

    def _context(self, at_ns: int, logger: str) -> dict[str, Any]:
        return {"logger": f"{self._service.role.replace('-', '_')}.{logger}", "request_id": _request_id(at_ns)}


def _fraction(at_ns: int) -> float:
    return at_ns // 1000 % 1009 / 1009


def _request_id(at_ns: int) -> str:
    return f"{at_ns * 0x9E3779B97F4A7C15 & (1 << 64) - 1:016x}"
