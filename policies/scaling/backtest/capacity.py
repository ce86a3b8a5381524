"""How much load so many ready replicas carry within the service level objective."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Capacity(Protocol):
    """Load that `replicas` ready replicas carry without missing the objective."""

    def carried(self, replicas: int) -> float: ...

    @property
    def sentence(self) -> str:
        """The assumption in words."""


@dataclass(frozen=True, slots=True)
class PerReplica:
    """Each replica carries the same load."""

    load: float

    def carried(self, replicas: int) -> float:
        return self.load * replicas

    @property
    def sentence(self) -> str:
        return f"a replica carries a load of {self.load:g} within the objective"


@dataclass(frozen=True, slots=True)
class Queue:
    """Replicas as servers of one M/M/c queue: arrivals and services at random, first come first served.

    The objective is that `quantile` of the requests are answered within `latency_seconds`, waiting included. Source of
    the distribution of the time in the system: Gross, Shortle, Thompson, Harris, Fundamentals of Queueing Theory,
    4th edition, section 2.3.
    """

    service_rate: float
    """Requests a second that one server completes while it works."""
    latency_seconds: float
    quantile: float
    servers_per_replica: int = 1

    def carried(self, replicas: int) -> float:
        servers = replicas * self.servers_per_replica
        if not servers or self.slow_ratio(0.0, servers) > 1 - self.quantile:
            return 0.0
        low, high = 0.0, servers * self.service_rate
        for _ in range(60):
            middle = (low + high) / 2
            if self.slow_ratio(middle, servers) <= 1 - self.quantile:
                low = middle
            else:
                high = middle
        return low

    def slow_ratio(self, arrival_rate: float, servers: int) -> float:
        """Share of requests that take longer than the objective; 1 where the queue grows without end."""
        offered = arrival_rate / self.service_rate
        if offered >= servers:
            return 1.0
        waiting = waiting_ratio(offered, servers)
        spare = servers - 1 - offered
        decay = math.exp(-self.service_rate * self.latency_seconds)
        exponent = -self.service_rate * spare * self.latency_seconds
        if abs(spare) < 1e-9:
            return decay * (1 + waiting * self.service_rate * self.latency_seconds)
        return decay * (1 - waiting * math.expm1(exponent) / spare)

    @property
    def sentence(self) -> str:
        return (
            f"M/M/c queue: {self.servers_per_replica} servers a replica, {self.service_rate:g} requests/s a server; "
            f"objective: {self.quantile:.4g} of the requests within {self.latency_seconds:g} s"
        )


def waiting_ratio(offered: float, servers: int) -> float:
    """Share of arrivals that must wait (Erlang C) for `offered` Erlang below `servers`."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return servers * blocked / (servers - offered * (1 - blocked))


def capacity_table(capacity: Capacity, most: int) -> NDArray[np.float64]:
    """`carried` for 0 to `most` replicas."""
    return np.array([capacity.carried(replicas) for replicas in range(most + 1)])
