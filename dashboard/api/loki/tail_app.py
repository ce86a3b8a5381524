"""Lines live over a WebSocket: `/loki/api/v1/tail`.

Who may watch is decided by Django, which is asked with the same headers before the connection is accepted. What is
written in this process comes from the store's feed; where others write too, the store is asked every second.

Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/#stream-logs
"""

import asyncio
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import structlog
from django.conf import settings
from django.http import HttpRequest, QueryDict
from prometheus_client import Counter, Gauge

from dashboard.api.loki.engine import logql_engine
from dashboard.api.loki.render import streams
from dashboard.api.loki.tail import UPGRADE_REQUIRED, TailRequest, tail_request
from dashboard.runtime.lifespan import ASGIApp, Receive, Scope, Send
from telemetry.logql.entry import Entry
from telemetry.logql.tail import LiveQuery
from telemetry.model.errors import TelemetryError
from telemetry.store import current
from telemetry.store.live_feed import Subscription

PATH: Final = "/loki/api/v1/tail"
TAILS: Final = Gauge("belvedere_log_tails", "Clients that watch log lines live.")
REFUSED: Final = Counter("belvedere_log_tails_refused", "Clients that could not watch log lines live.", ["reason"])
SENT: Final = Counter("belvedere_log_tail_entries", "Log lines shown live.")
DROPPED: Final = Counter("belvedere_log_tail_dropped", "Log lines not shown live because a client was too slow.")
_POLL_SECONDS: Final = 1.0
_WAIT_SECONDS: Final = 0.25
_MOST_A_MESSAGE: Final = 1_000

_log = structlog.get_logger("belvedere.loki.tail")


class TailApp:
    """Serves WebSockets of one path, refuses others, hands everything else to `inner`."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._inner(scope, receive, send)
            return
        status, sentence = await self._permission(scope)
        await receive()  # websocket.connect
        if status != UPGRADE_REQUIRED:
            REFUSED.labels(str(status)).inc()
            await _deny(scope, send, status, sentence)
            return
        self._open += 1
        TAILS.set(self._open)
        try:
            await _serve(_asked(scope), receive, send)
        finally:
            self._open -= 1
            TAILS.set(self._open)

    async def _permission(self, scope: Scope) -> tuple[int, bytes]:
        """What Django answers to the same request without an upgrade: 426 is yes."""
        if scope["path"] != PATH:
            return 404, b"no WebSocket is served here\n"
        if not _same_origin(scope):
            return 403, b"WebSockets of other sites are not accepted\n"
        most = settings.MAX_LOG_TAILS
        if self._open >= most:
            return 503, f"{self._open} clients watch already; the limit is {most} (BELVEDERE_MAX_LOG_TAILS)\n".encode()
        answer = _Answer()
        plain = {**scope, "type": "http", "method": "GET", "scheme": "https" if scope["scheme"] == "wss" else "http"}
        plain.pop("subprotocols", None)
        await self._inner(plain, _no_body(), answer.send)
        return answer.status, bytes(answer.body)


def _same_origin(scope: Scope) -> bool:
    """A browser names the site that opens a WebSocket; other clients name none."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    return origin is None or urlsplit(origin).netloc == headers.get(b"host")


class _Answer:
    """Status and body of an answer that goes nowhere."""

    def __init__(self) -> None:
        self.status = 500
        self.body = bytearray()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


def _no_body() -> Receive:
    """A request without a body, whose client does not leave."""
    told = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal told
        if told:
            await asyncio.Event().wait()
        told = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


async def _deny(scope: Scope, send: Send, status: int, sentence: bytes) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    status = 403 if 300 <= status < 400 else status  # a way to the login page is of no use here
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(sentence)).encode())]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": sentence})


def _asked(scope: Scope) -> TailRequest:
    request = HttpRequest()
    request.method = "GET"
    request.GET = QueryDict(scope.get("query_string", b""))
    return tail_request(request)


async def _serve(asked: TailRequest, receive: Receive, send: Send) -> None:
    """Until the client leaves."""
    await send({"type": "websocket.accept"})
    watching = asyncio.ensure_future(_watch(asked, send))
    leaving = asyncio.ensure_future(_disconnected(receive))
    await asyncio.wait({watching, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in (watching, leaving):
        task.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    with suppress(asyncio.CancelledError, OSError, RuntimeError):
        await watching


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def _watch(asked: TailRequest, send: Send) -> None:
    try:
        await _Watch(asked, send).run()
    except TelemetryError as error:
        _log.warning("tail ended", reason=str(error))
        await send({"type": "websocket.close", "code": 1011, "reason": str(error)[:100]})


class _Watch:
    """One client: what it has been shown, and what waits for its delay."""

    def __init__(self, asked: TailRequest, send: Send) -> None:
        self._asked = asked
        self._send = send
        self._query = LiveQuery(asked.query)
        self._waiting: list[Entry] = []
        self._newest_ns = 0

    async def run(self) -> None:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        store = current()
        if not store.engine.embedded:
            await self._show_history()
            await self._poll()
        with store.live_logs.subscribe(wake=lambda: _wake(loop, woken)) as mailbox:
            await self._show_history()
            await self._follow(mailbox, woken)

    async def _show_history(self) -> None:
        now = time.time_ns()
        found = await asyncio.to_thread(
            self._query.history, logql_engine(), self._asked.start_ns, now, self._asked.limit
        )
        self._newest_ns = now
        await self._show(found, 0)

    async def _follow(self, mailbox: Subscription, woken: asyncio.Event) -> None:
        while True:
            committed, dropped = mailbox.take()
            found = await asyncio.to_thread(lambda taken: list(self._query.entries(taken)), committed)
            await self._show(found, dropped)
            with suppress(TimeoutError):
                async with asyncio.timeout(_WAIT_SECONDS if self._waiting else None):
                    await woken.wait()
            woken.clear()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            until = time.time_ns()
            ask: Callable[..., list[Entry]] = self._query.newer
            found = await asyncio.to_thread(ask, logql_engine(), self._newest_ns, until, _MOST_A_MESSAGE)
            self._newest_ns = found[-1].time_ns if len(found) == _MOST_A_MESSAGE else until
            await self._show(found, 0)

    async def _show(self, found: list[Entry], dropped: int) -> None:
        """Send what is old enough for the delay; the rest waits."""
        self._waiting += found
        due_ns = time.time_ns() - self._asked.delay_seconds * 10**9
        due = [entry for entry in self._waiting if not self._asked.delay_seconds or entry.time_ns <= due_ns]
        if due or dropped:
            self._waiting = [entry for entry in self._waiting if self._asked.delay_seconds and entry.time_ns > due_ns]
            due.sort(key=lambda entry: entry.time_ns)
            for start in range(0, max(len(due), 1), _MOST_A_MESSAGE):
                await self._message(due[start : start + _MOST_A_MESSAGE], 0 if start else dropped)

    async def _message(self, entries: list[Entry], dropped: int) -> None:
        message: dict[str, Any] = {"streams": streams(entries, categorize=False)}
        if dropped:
            DROPPED.inc(dropped)
            message["dropped_entries"] = [{"labels": {}, "timestamp": str(time.time_ns())}] * min(dropped, 100)
        SENT.inc(len(entries))
        await self._send({"type": "websocket.send", "text": orjson.dumps(message).decode()})


def _wake(loop: asyncio.AbstractEventLoop, woken: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody is left to wake
        loop.call_soon_threadsafe(woken.set)
