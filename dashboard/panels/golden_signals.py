"""Which metric says what: traffic, errors, latency, saturation and replicas, by the names that exporters use.

Each signal lists its sources from the most to the least specific. A service is shown by the first that it has, so
that two instrumentations of one thing are never added up. To teach Belvedere a metric, add one line.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from telemetry.model.labels import METRIC_NAME, Labels, label_value
from telemetry.store import GridFunction

RATE = GridFunction.RATE
LAST = GridFunction.LAST


class Combine(StrEnum):
    """How the series of one service become one value a time."""

    SUM = "sum"
    MAX = "max"
    COUNT = "count"
    """Number of series with a value."""
    QUANTILE = "quantile"
    """Series are buckets of a histogram with the label `le`; the value is the quantile of the signal."""


@dataclass(frozen=True, slots=True)
class Source:
    """One metric that can show a signal. `keep` and `drop` are (label, RE2-like pattern, anchored)."""

    metric: str
    function: GridFunction
    combine: Combine = Combine.SUM
    scale: float = 1.0
    """Factor to the base unit of the signal."""
    keep: tuple[tuple[str, str], ...] = ()
    drop: tuple[tuple[str, str], ...] = ()

    def takes(self, labels: Labels) -> bool:
        """Whether a series of the metric counts."""
        return all(re.fullmatch(pattern, label_value(labels, name)) for name, pattern in self.keep) and not any(
            re.fullmatch(pattern, label_value(labels, name)) for name, pattern in self.drop
        )


@dataclass(frozen=True, slots=True)
class Signal:
    """What is shown: its name, the unit of `dashboard.panels.units`, and where it comes from."""

    name: str
    title: str
    unit: str
    sources: tuple[Source, ...]
    quantile: float = 0.95
    """Of histograms among the sources."""


_PODS = (("container", "POD"),)
_TOTALS = (("container", ""),)
_REQUEST_COUNTERS: Final = (
    "http_requests_total",
    "http_server_request_duration_seconds_count",
    "http_request_duration_seconds_count",
    "http_server_duration_milliseconds_count",
    "http_server_requests_seconds_count",
    "django_http_responses_total_by_status_total",
    "flask_http_request_total",
    "prometheus_http_requests_total",
    "belvedere_http_requests_total",
    "grpc_server_handled_total",
    "rpc_server_duration_milliseconds_count",
    "nginx_http_requests_total",
    "celery_tasks_total",
)
"""Counters of finished work, one series per outcome where there is a status label."""

_LATENCY_HISTOGRAMS: Final = (
    ("http_server_request_duration_seconds_bucket", 1.0),
    ("http_request_duration_seconds_bucket", 1.0),
    ("http_server_duration_milliseconds_bucket", 1e-3),
    ("http_server_requests_seconds_bucket", 1.0),
    ("django_http_requests_latency_seconds_by_view_method_bucket", 1.0),
    ("flask_http_request_duration_seconds_bucket", 1.0),
    ("prometheus_http_request_duration_seconds_bucket", 1.0),
    ("belvedere_http_request_duration_seconds_bucket", 1.0),
    ("grpc_server_handling_seconds_bucket", 1.0),
    ("rpc_server_duration_milliseconds_bucket", 1e-3),
)

STATUS_LABELS: Final = (
    "code", "status", "status_code", "http_response_status_code", "http_status_code", "response_code",
    "grpc_code", "rpc_grpc_status_code", "outcome", "result",
)  # fmt: skip
"""Labels that tell a failed request from a good one."""

FAILED: Final = re.compile(
    r"5\d\d|5xx|error|failed|failure|SERVER_ERROR|Unknown|DeadlineExceeded|Internal|Unavailable|DataLoss|"
    r"ResourceExhausted|13|14|15|2|4",
)
"""Status values of requests that failed on the server's side; numbers of one or two digits are gRPC codes."""

REQUESTS: Final = Signal(
    "requests", "Requests", "requests_per_second", tuple(Source(metric, RATE) for metric in _REQUEST_COUNTERS)
)
LATENCY: Final = Signal(
    "latency",
    "Latency, 95th percentile",
    "seconds",
    (
        *(Source(metric, RATE, Combine.QUANTILE, scale) for metric, scale in _LATENCY_HISTOGRAMS),
        Source("http_request_duration_seconds", LAST, Combine.MAX, keep=(("quantile", r"0\.95"),)),
    ),
)
_HISTOGRAMS_ONLY: Final = tuple(source for source in LATENCY.sources if source.combine is Combine.QUANTILE)
LATENCY_MEDIAN: Final = Signal("latency_median", "Latency, median", "seconds", _HISTOGRAMS_ONLY, 0.5)
LATENCY_99: Final = Signal("latency_99", "Latency, 99th percentile", "seconds", _HISTOGRAMS_ONLY, 0.99)
CPU: Final = Signal(
    "cpu",
    "CPU",
    "cores",
    (
        Source("container_cpu_usage_seconds_total", RATE, drop=_PODS + _TOTALS),
        Source("process_cpu_seconds_total", RATE),
        Source("process_cpu_time_seconds_total", RATE),
        Source("node_cpu_seconds_total", RATE, drop=(("mode", "idle|iowait"),)),
    ),
)
CPU_LIMIT: Final = Signal(
    "cpu_limit",
    "CPU limit",
    "cores",
    (
        Source("kube_pod_container_resource_limits", LAST, keep=(("resource", "cpu"),)),
        Source("kube_pod_container_resource_requests", LAST, keep=(("resource", "cpu"),)),
        Source("node_cpu_seconds_total", LAST, Combine.COUNT, keep=(("mode", "idle"),)),
        Source("machine_cpu_cores", LAST),
        Source("belvedere_cpu_limit_cores", LAST),
    ),
)
MEMORY: Final = Signal(
    "memory",
    "Memory",
    "bytes",
    (
        Source("container_memory_working_set_bytes", LAST, drop=_PODS + _TOTALS),
        Source("process_resident_memory_bytes", LAST),
        Source("process_memory_usage_bytes", LAST),
        Source("node_memory_Active_bytes", LAST),
    ),
)
MEMORY_LIMIT: Final = Signal(
    "memory_limit",
    "Memory limit",
    "bytes",
    (
        Source("kube_pod_container_resource_limits", LAST, keep=(("resource", "memory"),)),
        Source("kube_pod_container_resource_requests", LAST, keep=(("resource", "memory"),)),
        Source("container_spec_memory_limit_bytes", LAST, drop=_PODS + _TOTALS),
        Source("node_memory_MemTotal_bytes", LAST),
        Source("belvedere_memory_limit_bytes", LAST),
    ),
)
REPLICAS: Final = Signal(
    "replicas",
    "Replicas",
    "replicas",
    (
        Source("kube_deployment_status_replicas_available", LAST),
        Source("kube_statefulset_status_replicas_ready", LAST),
        Source("kube_replicaset_status_ready_replicas", LAST),
        Source("up", LAST),
        Source("process_start_time_seconds", LAST, Combine.COUNT),
        Source("process_cpu_seconds_total", LAST, Combine.COUNT),
        Source("target_info", LAST, Combine.COUNT),
    ),
)
REPLICAS_WANTED: Final = Signal(
    "replicas_wanted",
    "Replicas wanted",
    "replicas",
    (
        Source("kube_horizontalpodautoscaler_status_desired_replicas", LAST),
        Source("kube_deployment_spec_replicas", LAST),
        Source("kube_statefulset_replicas", LAST),
        Source("up", LAST, Combine.COUNT),
    ),
)

ERRORS: Final = "errors"
"""Name under which failed requests per second are read: the series of REQUESTS whose status says so."""

SIGNALS: Final = (REQUESTS, LATENCY, CPU, CPU_LIMIT, MEMORY, MEMORY_LIMIT, REPLICAS, REPLICAS_WANTED)


WORKLOAD_LABELS: Final = ("horizontalpodautoscaler", "deployment", "statefulset", "replicaset", "daemonset")
"""Labels of kube-state-metrics that name what a series is about; its `job` is only the exporter."""


def subject_of(labels: Labels, sender: str) -> str:
    """The service that a series is about: of kube_* metrics the workload they name, else who sent it.

    A `service` label was put there on purpose and wins.
    """
    if not label_value(labels, METRIC_NAME).startswith("kube_") or label_value(labels, "service"):
        return sender
    return next((value for name in WORKLOAD_LABELS if (value := label_value(labels, name))), sender)


def status_of(labels: Labels) -> str | None:
    """Value of the first status label; None where a series has none, so that errors are unknown and not zero."""
    return next((value for name in STATUS_LABELS if (value := label_value(labels, name))), None)


def failed(status: str) -> bool:
    return FAILED.fullmatch(status) is not None
