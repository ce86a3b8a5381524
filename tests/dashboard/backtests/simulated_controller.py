"""A cluster in miniature: a load, and the controller's own functions that follow it one step at a time."""

import math

import numpy as np

from policies.scaling.backtest.plan import Plan
from policies.scaling.hpa.normalization import Memory, normalize
from policies.scaling.hpa.pods import Pod
from policies.scaling.hpa.replicas import Tolerance, by_utilization
from telemetry.store import TelemetryStore
from tests.series import write_series

STEP_SECONDS = 15
START_UP_SECONDS = 60
REQUEST_CORES = 0.5
CORES_A_REQUEST = 0.01


def daily_load(steps: int, seed: int = 5) -> list[float]:
    """Requests/s that swing between 20 and 220 twice in the range, with noise."""
    noise = np.random.default_rng(seed).normal(1, 0.02, steps)
    wave = 120 - 100 * np.cos(np.arange(steps) * 4 * math.pi / steps)
    return [float(value) for value in wave * noise]


def controlled(plan: Plan, load: list[float]) -> tuple[list[int], list[int]]:
    """(desired after each step's decision, ready at it) of an autoscaler on CPU utilization."""
    memory = Memory(recommendations=[(0.0, plan.minimum)])
    delay = START_UP_SECONDS // STEP_SECONDS + 1
    counts, ready = [plan.minimum] * delay, []
    for number, value in enumerate(load):
        current, up = counts[-1], min(counts[-delay:])
        ready.append(up)
        milli = round(value * CORES_A_REQUEST * 1000)
        pods = [
            Pod(
                f"p{n}",
                ready=n < up,
                initializing=n >= up,
                requests={"cpu": round(REQUEST_CORES * 1000)},
                phase="Running",
            )
            for n in range(current)
        ]
        usage = {f"p{n}": milli // up + (n < milli % up) for n in range(up)} | {f"p{n}": 0 for n in range(up, current)}
        wanted = by_utilization(current, pods, usage, int(plan.target), resource="cpu", tolerance=Tolerance(0.1, 0.1))
        now = float((number + 1) * STEP_SECONDS)
        outcome = normalize(current, wanted, plan.minimum, plan.maximum, plan.up, plan.down, memory, now)
        memory.changed(now, current, outcome.replicas)
        counts.append(outcome.replicas)
    return counts[delay:], ready


def send_cluster(store: TelemetryStore, service: str, plan: Plan, start_ms: int, load: list[float]) -> list[int]:
    """Write what a cluster's exporters say of it; the desired counts."""
    desired, ready = controlled(plan, load)
    times = [start_ms + number * STEP_SECONDS * 1000 for number in range(len(load))]
    labels = {"service": service, "namespace": "production"}
    hpa = {**labels, "horizontalpodautoscaler": service}

    def gauge(values: list[float]) -> list[tuple[int, float]]:
        return [(at, float(value)) for at, value in zip(times, values, strict=True)]

    requests = np.cumsum(load) * STEP_SECONDS
    write_series(
        store,
        ("kube_horizontalpodautoscaler_status_desired_replicas", hpa, gauge(desired)),
        ("kube_horizontalpodautoscaler_spec_min_replicas", hpa, gauge([plan.minimum for _ in load])),
        ("kube_horizontalpodautoscaler_spec_max_replicas", hpa, gauge([plan.maximum for _ in load])),
        (
            "kube_horizontalpodautoscaler_spec_target_metric",
            {**hpa, "metric_name": "cpu", "metric_target_type": "utilization"},
            gauge([plan.target for _ in load]),
        ),
        ("kube_deployment_status_replicas_available", {**labels, "deployment": service}, gauge(ready)),
        (
            "kube_pod_container_resource_requests",
            {**labels, "resource": "cpu", "pod": "all"},
            gauge([REQUEST_CORES * count for count in desired]),
        ),
        ("http_requests_total", labels, gauge(list(requests))),
        ("process_cpu_seconds_total", labels, gauge(list(requests * CORES_A_REQUEST))),
        ("requests_now", labels, gauge(load)),
        ("cores_now", labels, gauge([value * CORES_A_REQUEST for value in load])),
        (
            "http_request_duration_seconds",
            {**labels, "quantile": "0.95"},
            gauge([0.2 if each <= 45 * up else 2.0 for each, up in zip(load, ready, strict=True)]),
        ),
    )
    return desired
