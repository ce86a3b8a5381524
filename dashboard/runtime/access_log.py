"""Around every request: an identifier, one log event, counters."""

import re
import secrets
import time
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge, Histogram

from dashboard.front_groups import group_name
from dashboard.runtime.lifespan import ASGIApp, Receive, Scope, Send

REQUEST_ID_HEADER: Final = b"x-request-id"

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET: Final = frozenset({"ingest", "health", "metrics", "static"})
_HANDLERS: Final = (
    ("health", re.compile(r"/(healthz|readyz)$")),
    ("metrics", re.compile(r"/metrics$")),
    ("static", re.compile(r"/static/|/favicon\.ico$")),
    ("query", re.compile(r"(/prometheus)?/api/v1/|/loki/api/v1/|/osv/v1/")),
    ("api", re.compile(r"/api/")),
    ("admin", re.compile(r"/admin/")),
)

_SECRET_PATHS: Final = re.compile(r"(.*/(?:setup|invite)/).+", re.DOTALL)

REQUESTS: Final = Counter("http_requests", "Requests answered.", ["handler", "method", "code"])
SECONDS: Final = Histogram(
    "http_request_duration_seconds",
    "Time from the request's head to the end of its answer.",
    ["handler"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
IN_WORK: Final = Gauge("http_requests_in_work", "Requests being answered now.")

_log = structlog.get_logger("belvedere.access")


def handler_of(method: str, path: str) -> str:
    """Group of routes that a request belongs to, one of a fixed set, so that it can be a label."""
    if group_name(method, path) == "ingest":
        return "ingest"
    return next((name for name, pattern in _HANDLERS if pattern.match(path)), "page")


def loggable(path: str) -> str:
    """`path` without the secret of a one-time link: whoever may read the log may not use the link."""
    return _SECRET_PATHS.sub(r"\1***", path)


class AccessLog:
    """ASGI wrapper. Queries are not logged: they may hold what people search for."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope["request_id"] = request_id
        answer = _Answer(send, request_id)
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id), IN_WORK.track_inprogress():
            try:
                await self._application(scope, receive, answer.send)
            finally:
                _account(scope, answer.status, time.perf_counter() - started)


class _Answer:
    """Notes the status on its way out and adds the request's identifier; 0 means nothing was answered."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id.encode()
        self.status = 0

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), (REQUEST_ID_HEADER, self._request_id)]
            message = {**message, "headers": headers}
        await self._send(message)


def _account(scope: Scope, status: int, seconds: float) -> None:
    path, method = str(scope["path"]), str(scope["method"])
    handler = handler_of(method, path)
    REQUESTS.labels(handler, method if method in _METHODS else "OTHER", str(status or 499)).inc()
    SECONDS.labels(handler).observe(seconds)
    log = _log.warning if status >= 500 else _log.debug if handler in _QUIET else _log.info
    log(
        "request",
        method=method,
        path=loggable(path),
        status=status,
        duration_ms=round(seconds * 1000, 1),
        client=(scope.get("client") or ("",))[0],
    )
