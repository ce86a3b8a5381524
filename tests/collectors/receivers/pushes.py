"""Pushes to a ReceiverApp without a server in between, and what the store then holds."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from collectors.receivers.app import ReceiverApp
from fleet.models import Service
from fleet.tokens import create_token
from telemetry.model.histograms import Histogram
from telemetry.model.labels import METRIC_NAME, Matcher, MatchOp
from telemetry.model.time import TimeRange
from telemetry.store import LogQuery, TelemetryStore

NOW_MS = int(time.time() * 1000)
ALL_TIME = TimeRange(0, NOW_MS * 2)


def new_token(*scopes: str, service: str | None = None) -> str:
    """Authorization header of a new token."""
    bound = Service.objects.get_or_create(name=service)[0] if service else None
    _, text = create_token(name="sender", scopes=scopes, actor="user:ada", service=bound)
    return f"Bearer {text}"


@dataclass
class Answer:
    """What came back; `status` 0 means nothing did."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Sender:
    """Pushes with one token to one application."""

    app: ReceiverApp
    authorization: str = ""

    def push(self, path: str, body: bytes = b"", *, method: str = "POST", parts: Any = None, **headers: str) -> Answer:
        """Headers are written with `_`; `parts` may replace the body by the messages that arrive."""
        path, _, query = path.partition("?")
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        if self.authorization:
            raw.append((b"authorization", self.authorization.encode()))
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": raw,
        }  # fmt: skip
        arriving = list(parts or [{"type": "http.request", "body": body, "more_body": False}])
        answer = Answer()

        async def receive() -> Any:
            return arriving.pop(0) if arriving else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            answer.body += message.get("body", b"")

        asyncio.run(self.app(scope, receive, send))
        return answer


def stored_samples(store: TelemetryStore, metric: str) -> list[tuple[dict[str, str], str, int, float]]:
    """(labels, service, timestamp_ms, value) of every sample of `metric`."""
    found = store.select_series([[Matcher(METRIC_NAME, MatchOp.EQUAL, metric)]], ALL_TIME, limit=100)
    columns = store.read_samples(found, ALL_TIME)
    rows = []
    for row, labels in enumerate(found.labels):
        for at in range(columns.offsets[row], columns.offsets[row + 1]):
            sample = (int(columns.timestamps_ms[at]), float(columns.values[at]))
            rows.append((dict(labels), found.services[row], *sample))
    return rows


def stored_histograms(store: TelemetryStore, metric: str) -> list[Histogram]:
    """Every native histogram of `metric`."""
    found = store.select_series([[Matcher(METRIC_NAME, MatchOp.EQUAL, metric)]], ALL_TIME, limit=100)
    raw = store.read_histograms(found, ALL_TIME)
    return [] if raw is None else list(raw.values)


def stored_logs(store: TelemetryStore) -> list[Any]:
    """Every log record, oldest first."""
    return list(reversed(store.search_logs(LogQuery(0, 2**62, limit=1000))))
