"""Names to complete a query with, and example queries from the metrics that are there."""

import re
from dataclasses import dataclass
from typing import Final

from telemetry.model.labels import METRIC_NAME, Matcher, MatchOp
from telemetry.model.time import TimeRange
from telemetry.promql.builder import AGGREGATORS_WITH_PARAMETER
from telemetry.promql.signatures import SIGNATURES
from telemetry.store import TelemetryStore

MOST: Final = 40
MOST_LISTED: Final = 500
AGGREGATORS: Final = (
    "avg",
    "count",
    "group",
    "max",
    "min",
    "stddev",
    "stdvar",
    "sum",
    *sorted(AGGREGATORS_WITH_PARAMETER),
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What may stand at the caret; `detail` is a word about it."""

    text: str
    detail: str


@dataclass(frozen=True, slots=True)
class MetricName:
    """One metric that has samples in the range, and what it says of itself."""

    name: str
    type: str
    help: str
    query: str
    """A query that shows it sensibly."""


@dataclass(frozen=True, slots=True)
class Example:
    """A query that has an answer here, and what it tells."""

    words: str
    query: str


_EXAMPLES: Final = (
    ("up", "Targets that answer", "sum by (job) (up)"),
    ("http_requests_total", "Requests a second by job", "sum by (job) (rate(http_requests_total[5m]))"),
    (
        "http_request_duration_seconds_bucket",
        "Latency, 95th percentile",
        "histogram_quantile(0.95, sum by (job, le) (rate(http_request_duration_seconds_bucket[5m])))",
    ),
    (
        "http_server_request_duration_seconds_bucket",
        "Latency, 95th percentile",
        "histogram_quantile(0.95, sum by (job, le) (rate(http_server_request_duration_seconds_bucket[5m])))",
    ),
    ("process_resident_memory_bytes", "Memory by job", "sum by (job) (process_resident_memory_bytes)"),
    ("process_cpu_seconds_total", "CPU cores in use by job", "sum by (job) (rate(process_cpu_seconds_total[5m]))"),
    ("node_load1", "Load of machines", "node_load1"),
    ("node_memory_MemAvailable_bytes", "Memory left on machines", "node_memory_MemAvailable_bytes"),
    ("scrape_duration_seconds", "Slowest scrapes", "topk(5, scrape_duration_seconds)"),
    ("kube_deployment_status_replicas_available", "Replicas", "kube_deployment_status_replicas_available"),
)
"""(metric that must be there, words, query)."""


def metrics_in(store: TelemetryStore, time_range: TimeRange, containing: str = "") -> list[MetricName]:
    """Metrics with samples in the range whose name contains the text in any case, by name, at most MOST_LISTED."""
    names = store.label_values(METRIC_NAME, _containing(METRIC_NAME, containing), time_range, MOST_LISTED)
    about = {entry.metric: entry for entry in store.metric_metadata()}
    found = []
    for name in names:
        meta = about.get(name) or about.get(re.sub(r"_(total|bucket|count|sum)$", "", name))
        kind = meta.type if meta else "unknown"
        found.append(MetricName(name, kind, meta.help if meta else "", sensible_query(name, kind)))
    return found


def sensible_query(name: str, kind: str) -> str:
    """Rates of what only counts up, percentiles of histograms, everything else as it is."""
    if name.endswith("_bucket"):
        return f"histogram_quantile(0.95, sum by (le) (rate({name}[5m])))"
    if kind == "counter" or name.endswith(("_total", "_count", "_sum")):
        return f"rate({name}[5m])"
    return name


def examples(names: set[str]) -> list[Example]:
    """Example queries whose metric is there; at least a few of the first metrics if no known one is."""
    known = [Example(words, query) for metric, words, query in _EXAMPLES if metric in names]
    if known:
        return known
    return [Example(name, sensible_query(name, "unknown")) for name in sorted(names)[:5]]


def suggested_metrics(store: TelemetryStore, time_range: TimeRange, containing: str) -> list[Suggestion]:
    """Metrics and functions with the text in their name; those that start with it come first."""
    words = [Suggestion(name, "function") for name in SIGNATURES] + [
        Suggestion(name, "aggregation") for name in AGGREGATORS
    ]
    wanted = containing.lower()
    names = [Suggestion(one.name, one.help or one.type) for one in metrics_in(store, time_range, containing)]
    fitting = [*(word for word in words if wanted and wanted in word.text), *names]
    return sorted(fitting, key=lambda one: (not one.text.lower().startswith(wanted), len(one.text)))[:MOST]


def suggested_labels(store: TelemetryStore, time_range: TimeRange, metric: str, containing: str) -> list[Suggestion]:
    """Label names of a metric, or of all."""
    names = store.label_names(_of_metric(metric), time_range)
    wanted = containing.lower()
    return [Suggestion(name, "label") for name in names if wanted in name.lower() and name != METRIC_NAME][:MOST]


def suggested_values(
    store: TelemetryStore, time_range: TimeRange, metric: str, label: str, containing: str
) -> list[Suggestion]:
    """Values of a label of a metric, or of all metrics."""
    selectors = [
        [*selector, *matchers] for selector in _of_metric(metric) or [[]] for matchers in _containing(label, containing)
    ]
    return [Suggestion(value, "") for value in store.label_values(label, selectors, time_range, MOST)]


def _containing(label: str, text: str) -> list[list[Matcher]]:
    pattern = f"(?i:.*{re.escape(text)}.*)" if text else ".+"
    return [[Matcher(label, MatchOp.REGEX, pattern)]]


def _of_metric(metric: str) -> list[list[Matcher]]:
    return [[Matcher(METRIC_NAME, MatchOp.EQUAL, metric)]] if metric else []
