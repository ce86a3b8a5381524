"""The route table of receivers: one line a protocol."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collectors.receivers import audits, costs, deployments, json_lines, loki, otlp, prometheus
from collectors.receivers.message import ErrorForm, Pending, Received, Reply, json_error, plain_error


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who handles a path, what scope the token needs, and how the protocol is told of errors."""

    protocol: str
    scope: str
    handle: Callable[[Received], Reply | Pending]
    error: ErrorForm


@dataclass(frozen=True, slots=True)
class Routes:
    """Receivers by whole path, and by prefix where a name follows."""

    exact: dict[str, Receiver]
    prefixes: list[tuple[str, Receiver]]


_REMOTE_WRITE: Final = Receiver("remote_write", "ingest:metrics", prometheus.remote_write, plain_error)
_OTLP_LOGS: Final = Receiver("otlp_logs", "ingest:logs", otlp.logs, otlp.status_error)
_OTLP_METRICS: Final = Receiver("otlp_metrics", "ingest:metrics", otlp.metrics, otlp.status_error)

ROUTES: Final = Routes(
    exact={
        "/api/v1/write": _REMOTE_WRITE,
        "/prometheus/api/v1/write": _REMOTE_WRITE,
        "/v1/logs": _OTLP_LOGS,
        "/otlp/v1/logs": _OTLP_LOGS,
        "/v1/metrics": _OTLP_METRICS,
        "/otlp/v1/metrics": _OTLP_METRICS,
        "/api/v1/otlp/v1/metrics": _OTLP_METRICS,
        "/loki/api/v1/push": Receiver("loki", "ingest:logs", loki.push, plain_error),
        "/api/logs": Receiver("json_lines", "ingest:logs", json_lines.push, json_error),
        "/api/audits": Receiver("audits", "ingest:audits", audits.push, json_error),
        "/api/costs": Receiver("costs", "ingest:costs", costs.push, json_error),
        "/api/deployments": Receiver("deployments", "ingest:deploys", deployments.push, json_error),
    },
    prefixes=[("/api/metrics/", Receiver("exposition", "ingest:metrics", prometheus.exposition, plain_error))],
)
