"""Latency histograms of a workload, as its ingress would measure them."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from dashboard.demo.behaviour import Behaviour
from dashboard.demo.blocks import SeriesBlock, block
from dashboard.demo.carry import Carry
from dashboard.demo.counters import Counters
from dashboard.demo.fleet import SimulatedService
from dashboard.demo.noise import Floats

BOUNDS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds in seconds; +Inf follows."""
_SHAPE: Final = 2.6
"""Of the log-logistic distribution: the tail of a web service."""
_MEAN_OF_MEDIAN: Final = math.pi / _SHAPE / math.sin(math.pi / _SHAPE)


@dataclass(slots=True)
class Latency:
    """The histogram of one workload; `advance` goes on where the last call ended."""

    service: SimulatedService
    environment: str
    _counters: Counters

    @classmethod
    def of(cls, service: SimulatedService, environment: str) -> "Latency":
        return cls(service, environment, Counters.zeros(len(BOUNDS) + 2))

    def carry(self) -> Carry:
        return self._counters.carry()

    def resume(self, carry: Carry) -> None:
        self._counters.resume(carry)

    def advance(self, behaviour: Behaviour, step_ms: int) -> list[SeriesBlock]:
        """Buckets, count and sum."""
        finished = behaviour.requests * step_ms / 1000
        rows = [finished * below(bound, behaviour.latency_seconds) for bound in BOUNDS]
        seconds = finished * behaviour.latency_seconds * _MEAN_OF_MEDIAN
        increments = np.stack([*rows, finished, seconds])
        values = self._counters.advance(increments, np.zeros(increments.shape, bool))
        counts, total = np.floor(values[:-1]), np.round(values[-1], 4)
        metric, times = "http_request_duration_seconds", behaviour.times_ms
        names = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        return [
            *(
                block(f"{metric}_bucket", {**self._labels, "le": name}, times, row)
                for name, row in zip(names, counts, strict=True)
            ),
            block(f"{metric}_count", self._labels, times, counts[-1]),
            block(f"{metric}_sum", self._labels, times, total),
        ]

    @property
    def _labels(self) -> dict[str, str]:
        return {
            "service": self.service.name,
            "job": "ingress",
            "instance": "ingress-0:9113",
            "environment": self.environment,
        }


def below(bound: float, median: Floats) -> Floats:
    """Share of requests that took at most `bound` seconds: the log-logistic distribution."""
    share: Floats = 1 / (1 + (median / bound) ** _SHAPE)
    return share
