"""The queueing model agrees with the theory it names, and with a simulation of it."""

import heapq
import itertools
import math

import numpy as np
import pytest

from policies.scaling.backtest.capacity import PerReplica, Queue, waiting_ratio


def erlang_c(offered: float, servers: int) -> float:
    """By the textbook's sum, which the recurrence avoids."""
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)


@pytest.mark.parametrize(("offered", "servers"), [(0.5, 1), (0.9, 1), (1.5, 2), (7.2, 10), (45.0, 50)])
def test_the_share_that_waits_is_that_of_erlang(offered: float, servers: int) -> None:
    assert waiting_ratio(offered, servers) == pytest.approx(erlang_c(offered, servers), rel=1e-12)


def test_one_server_is_the_queue_whose_time_is_exponential() -> None:
    queue = Queue(service_rate=10.0, latency_seconds=0.5, quantile=0.95)
    for rate in (1.0, 5.0, 9.0):
        assert queue.slow_ratio(rate, 1) == pytest.approx(math.exp(-(10 - rate) * 0.5), rel=1e-9)
    assert queue.carried(1) == pytest.approx(10 + math.log(0.05) / 0.5, rel=1e-9)


@pytest.mark.parametrize(("rate", "servers"), [(30.0, 4), (70.0, 8)])
def test_the_share_of_slow_requests_is_that_of_a_simulated_queue(rate: float, servers: int) -> None:
    queue = Queue(service_rate=10.0, latency_seconds=0.2, quantile=0.95)
    random = np.random.default_rng(7)
    arrivals = np.cumsum(random.exponential(1 / rate, 200_000))
    services = random.exponential(1 / 10.0, arrivals.size)
    free, slow = [0.0] * servers, 0
    for arrival, service in zip(arrivals, services, strict=True):
        done = max(arrival, heapq.heappop(free)) + service
        heapq.heappush(free, done)
        slow += done - arrival > 0.2
    assert slow / arrivals.size == pytest.approx(queue.slow_ratio(rate, servers), rel=0.03)


def test_capacity_grows_faster_than_the_number_of_servers() -> None:
    queue = Queue(service_rate=10.0, latency_seconds=0.5, quantile=0.95)
    carried = [queue.carried(count) for count in range(1, 20)]
    assert all(later > earlier + 10 * 0.4 for earlier, later in itertools.pairwise(carried))
    assert carried[9] / 10 > carried[0]
    assert PerReplica(5).carried(3) == 15


def test_an_objective_that_no_server_can_meet_carries_nothing() -> None:
    assert Queue(service_rate=1.0, latency_seconds=0.1, quantile=0.95).carried(100) == 0.0
    assert Queue(service_rate=1.0, latency_seconds=5, quantile=0.95).carried(0) == 0.0
