"""The route table of receivers: one line a protocol."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from collectors.receivers import (
    audits,
    costs,
    dependency_track,
    deployments,
    elasticsearch,
    journal,
    json_lines,
    loki,
    otlp,
    prometheus,
)
from collectors.receivers.message import ErrorForm, Pending, Received, Reply, json_error, plain_error


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who handles a path, what scope the token needs, and how the protocol is told of errors."""

    protocol: str
    scope: str
    handle: Callable[[Received], Reply | Pending]
    error: ErrorForm
    busy_status: int = 429
    """What the senders of the protocol take for "send it again later"."""
    shares_path: bool = False
    """Whether other methods than POST belong to somebody else; if not, they are refused with 405."""
    limits: str = "ingest"
    """Name of the group of limits that holds for the body."""
    methods: frozenset[str] = frozenset({"POST"})


@dataclass(frozen=True, slots=True)
class Routes:
    """Receivers by whole path, by prefix where a name follows, and by the part behind the name of an index."""

    exact: dict[str, Receiver]
    prefixes: list[tuple[str, Receiver]]
    behind_index: dict[str, Receiver]


def receiver_of(path: str) -> Receiver | None:
    """The receiver that serves `path`, if there is one."""
    return ROUTES.exact.get(path) or _by_prefix(path) or _behind_index(path)


def _by_prefix(path: str) -> Receiver | None:
    return next(
        (receiver for prefix, receiver in ROUTES.prefixes if path.startswith(prefix) and len(path) > len(prefix)), None
    )


def _behind_index(path: str) -> Receiver | None:
    index, _, rest = path.removeprefix("/").partition("/")
    return None if index[:1] in ("", "_") else ROUTES.behind_index.get(rest.partition("/")[0])


def _own(protocol: str, scope: str, handle: Callable[[Received], Reply | Pending], limits: str = "ingest") -> Receiver:
    return Receiver(protocol, scope, handle, json_error, shares_path=True, limits=limits)


# Prometheus throws a request away that is answered 429, unless it is told otherwise; 503 it always sends again.
_REMOTE_WRITE: Final = Receiver("remote_write", "ingest:metrics", prometheus.remote_write, plain_error, busy_status=503)
_OTLP_LOGS: Final = Receiver("otlp_logs", "ingest:logs", otlp.logs, otlp.status_error)
_OTLP_METRICS: Final = Receiver("otlp_metrics", "ingest:metrics", otlp.metrics, otlp.status_error)

_BULK: Final = Receiver(
    "elasticsearch", "ingest:logs", elasticsearch.bulk, elasticsearch.error_reply, methods=frozenset({"POST", "PUT"})
)
_DOCUMENT: Final = replace(_BULK, handle=elasticsearch.document)
ELASTICSEARCH_PROBE: Final = Receiver(
    "elasticsearch_probe",
    "ingest:logs",
    elasticsearch.probe,
    elasticsearch.error_reply,
    methods=frozenset({"GET", "HEAD", "POST", "PUT"}),
)
_JOURNAL: Final = Receiver("journal", "ingest:logs", journal.push, plain_error)

_TRACK: Final = Receiver(
    "dependency_track", "ingest:audits", dependency_track.event, json_error, methods=frozenset({"GET"})
)
_TRACK_UPLOAD: Final = replace(_TRACK, handle=dependency_track.upload, methods=frozenset({"POST", "PUT"}))

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
        "/_bulk": _BULK,
        **dict.fromkeys(elasticsearch.PROBED, ELASTICSEARCH_PROBE),
        "/upload": _JOURNAL,
        "/api/logs/journal": _JOURNAL,
        "/api/logs": _own("json_lines", "ingest:logs", json_lines.push),
        "/api/audits": _own("audits", "ingest:audits", audits.push),
        "/api/v1/bom": _TRACK_UPLOAD,
        "/api/v1/project/lookup": replace(_TRACK, handle=dependency_track.lookup),
        "/api/version": replace(_TRACK, handle=dependency_track.version),
        "/api/sboms": _own("audits", "ingest:audits", audits.push),
        "/api/costs": _own("costs", "ingest:costs", costs.push, limits="upload"),
        "/api/deployments": _own("deployments", "ingest:deploys", deployments.push),
    },
    prefixes=[
        ("/api/v1/event/token/", _TRACK),
        ("/api/v1/bom/token/", _TRACK),
        ("/api/metrics/", Receiver("exposition", "ingest:metrics", prometheus.exposition, plain_error)),
        *((beginning, ELASTICSEARCH_PROBE) for beginning in elasticsearch.PROBED),
    ],
    behind_index={"_bulk": _BULK, "_doc": _DOCUMENT, "_create": _DOCUMENT},
)
