"""Signals of every service from the metrics that it happens to have, in a fixed number of questions to the engine."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.panels.golden_signals import CPU, ERRORS, LATENCY, MEMORY, REPLICAS, REPLICAS_WANTED, REQUESTS, failed
from dashboard.panels.quantiles import histogram_quantile
from dashboard.panels.signal_values import Readings, read_signals
from telemetry.model.time import TimeGrid
from telemetry.store import TelemetryStore
from tests.series import write_series

END = int(time.time()) // 60 * 60_000
MINUTES = 10
GRID = TimeGrid(END, END, 1000)
TIMES = [END - 60_000 * age for age in range(MINUTES, -1, -1)]


def counter(per_second: float) -> list[tuple[int, float]]:
    return [(at, per_second * 60 * place) for place, at in enumerate(TIMES)]


def gauge(value: float) -> list[tuple[int, float]]:
    return [(at, value) for at in TIMES]


def read(store: TelemetryStore, **options: str) -> Readings:
    return read_signals(store, GRID, **options)


def test_requests_and_errors_are_told_apart_by_status(store: TelemetryStore) -> None:
    write_series(
        store,
        ("http_requests_total", {"service": "api", "code": "200"}, counter(8)),
        ("http_requests_total", {"service": "api", "code": "404"}, counter(1)),
        ("http_requests_total", {"service": "api", "code": "503"}, counter(1)),
    )
    found = read(store)
    assert found.last(REQUESTS.name, "api") == pytest.approx(10)
    assert found.last(ERRORS, "api") == pytest.approx(1)


def test_errors_of_a_counter_without_status_are_unknown_and_not_zero(store: TelemetryStore) -> None:
    write_series(
        store,
        ("http_requests_total", {"service": "blind"}, counter(5)),
        ("http_requests_total", {"service": "fine", "status": "200"}, counter(5)),
    )
    found = read(store)
    assert found.last(ERRORS, "blind") is None
    assert found.last(ERRORS, "fine") == 0


def test_two_instrumentations_of_one_thing_are_not_added_up(store: TelemetryStore) -> None:
    write_series(
        store,
        ("http_requests_total", {"service": "api", "code": "200"}, counter(5)),
        ("http_server_request_duration_seconds_count", {"service": "api"}, counter(5)),
    )
    found = read(store)
    assert found.last(REQUESTS.name, "api") == pytest.approx(5)
    assert found.metrics[REQUESTS.name]["api"] == "http_requests_total"


def test_latency_is_a_percentile_over_all_replicas_in_seconds(store: TelemetryStore) -> None:
    buckets = [("0.1", 50), ("1", 100), ("+Inf", 100)]
    write_series(
        store,
        *(
            (
                "http_request_duration_seconds_bucket",
                {"service": "api", "instance": str(replica), "le": le},
                counter(rate),
            )
            for replica in range(2)
            for le, rate in buckets
        ),
        *(
            ("http_server_duration_milliseconds_bucket", {"service": "old", "le": le}, counter(1))
            for le in ("100", "+Inf")
        ),
    )
    found = read(store)
    assert found.last(LATENCY.name, "api") == pytest.approx(0.1 + 0.9 * 45 / 50)
    assert found.last(LATENCY.name, "old") == pytest.approx(0.095)


def test_containers_count_and_their_sums_do_not(store: TelemetryStore) -> None:
    write_series(
        store,
        ("container_cpu_usage_seconds_total", {"service": "api", "container": "app"}, counter(0.5)),
        ("container_cpu_usage_seconds_total", {"service": "api", "container": "POD"}, counter(0.5)),
        ("container_cpu_usage_seconds_total", {"service": "api"}, counter(1)),
        ("container_memory_working_set_bytes", {"service": "api", "container": "app"}, gauge(100)),
        ("container_memory_working_set_bytes", {"service": "api"}, gauge(100)),
    )
    found = read(store)
    assert found.last(CPU.name, "api") == pytest.approx(0.5)
    assert found.last(MEMORY.name, "api") == 100


def test_replicas_are_those_that_answer_and_wanted_those_that_are_asked(store: TelemetryStore) -> None:
    write_series(
        store,
        ("up", {"job": "api", "instance": "a"}, gauge(1)),
        ("up", {"job": "api", "instance": "b"}, gauge(0)),
    )
    found = read(store)
    assert (found.last(REPLICAS.name, "api"), found.last(REPLICAS_WANTED.name, "api")) == (1, 2)


def test_what_kubernetes_says_of_a_workload_belongs_to_the_workload(store: TelemetryStore) -> None:
    labels = {"job": "kube-state-metrics", "deployment": "checkout"}
    write_series(store, ("kube_deployment_status_replicas_available", labels, gauge(3)))
    found = read(store)
    assert found.last(REPLICAS.name, "checkout") == 3
    assert found.of(REPLICAS.name, "kube-state-metrics") is None


def test_one_service_can_be_read_alone(store: TelemetryStore) -> None:
    write_series(
        store,
        ("process_cpu_seconds_total", {"service": "a"}, counter(1)),
        ("process_cpu_seconds_total", {"service": "b"}, counter(2)),
    )
    assert read(store, service="b").services == {"b"}
    assert read(store, service="c").services == set()


def test_the_number_of_questions_does_not_grow_with_the_services(
    store: TelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("select_series", "grid"):
        plain = getattr(store, name)
        monkeypatch.setattr(
            store, name, lambda *a, _name=name, _plain=plain, **k: asked.append(_name) or _plain(*a, **k)
        )
    write_series(store, ("up", {"job": "one"}, gauge(1)))
    read(store)
    alone = len(asked)
    write_series(store, *(("up", {"job": f"job{number}"}, gauge(1)) for number in range(20)))
    asked.clear()
    assert len(read(store).services) == 21
    assert len(asked) == alone


@pytest.mark.parametrize("status", ["500", "503", "5xx", "error", "Internal", "failure"])
def test_statuses_of_failure(status: str) -> None:
    assert failed(status)


@pytest.mark.parametrize("status", ["200", "404", "success", "OK", "0", "NotFound", "5", "50"])
def test_statuses_that_are_no_failure_of_the_server(status: str) -> None:
    assert not failed(status)


@given(
    st.lists(st.floats(0.001, 100), min_size=1, max_size=8, unique=True),
    st.lists(st.integers(0, 1000), min_size=9, max_size=9),
    st.floats(0, 1),
)
def test_a_quantile_lies_within_the_buckets_and_grows_with_its_rank(
    bounds: list[float], counts: list[int], quantile: float
) -> None:
    uppers = np.array([*sorted(bounds), np.inf])
    cumulative = np.cumsum(np.array(counts[: len(uppers)], dtype=np.float64))[:, None]
    value = histogram_quantile(quantile, uppers, cumulative)[0]
    if cumulative[-1, 0] == 0:
        assert np.isnan(value)
    else:
        assert 0 <= value <= uppers[-2]
        assert histogram_quantile(min(quantile + 0.1, 1), uppers, cumulative)[0] >= value - 1e-9


def test_a_histogram_without_its_last_bucket_has_no_quantile() -> None:
    assert np.isnan(histogram_quantile(0.9, np.array([1.0, 2.0]), np.ones((2, 1)))).all()
