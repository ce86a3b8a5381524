"""The ASGI application of everything that is pushed; what it does not serve goes on to the inner application.

Receivers stand in front of Django so that a body is never spooled to disk, no session is looked up, and a request
that waits for its commit holds no thread.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from django.db import close_old_connections

from collectors.receivers.counters import ITEMS, REFUSED, REQUESTS
from collectors.receivers.errors import Described, describe
from collectors.receivers.message import Pending, Received, Reply
from collectors.receivers.routes import ROUTES, Receiver
from fleet.tokens import Principal, authenticate
from telemetry.model.samples import WriteReceipt

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

THREADS: Final = 8
"""Requests that are decoded at once; decoding is work for the processor, of which there are few."""

_log = structlog.get_logger("belvedere.receivers")


class ReceiverApp:
    """Serves POST requests of the route table, hands everything else to `inner`."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="receiver")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        receiver = serving(scope)
        if receiver is None:
            await self._inner(scope, receive, send)
            return
        reply = await self._answer(receiver, scope, receive)
        REQUESTS.labels(receiver.protocol, str(reply.status)).inc()
        await _send(reply, send)

    async def _answer(self, receiver: Receiver, scope: Scope, receive: Receive) -> Reply:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        principal = await self._in_pool(_authenticated, headers.get("authorization"))
        if refusal := _refusal(receiver, principal, content_type):
            return refusal
        request = Received(
            path=scope["path"],
            query=dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)),
            content_type=content_type,
            content_encoding=headers.get("content-encoding", ""),
            body=await _body(receive),
            principal=principal,
            received_ns=time.time_ns(),
        )
        return await self._handled(receiver, request)

    async def _handled(self, receiver: Receiver, request: Received) -> Reply:
        try:
            answer = await self._in_pool(_handle, receiver, request)
            if isinstance(answer, Pending):
                receipt = await asyncio.wrap_future(answer.future)
                return _committed(receiver, receipt, answer)
            return answer
        except Exception as error:  # an outer edge: whatever happens, the sender gets an answer in its own form
            return _failed(receiver, request, error)

    async def _in_pool(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


def serving(scope: Scope) -> Receiver | None:
    """The receiver for a request, if it is one of ours."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    path: str = scope["path"]
    return ROUTES.exact.get(path) or next(
        (receiver for prefix, receiver in ROUTES.prefixes if path.startswith(prefix) and len(path) > len(prefix)), None
    )


def _authenticated(header: str | None) -> Principal | None:
    close_old_connections()
    return authenticate(header)


def _refusal(receiver: Receiver, principal: Principal | None, content_type: str) -> Reply | None:
    """Why the token does not do, None if it does."""
    if principal is None:
        REFUSED.labels(receiver.protocol, "unauthorized").inc()
        sentence = f"a valid API token with the scope {receiver.scope} is needed: Authorization: Bearer TOKEN"
        reply = receiver.error(401, sentence, content_type)
        return Reply(401, reply.body, reply.content_type, {"www-authenticate": 'Bearer realm="Belvedere"'})
    if receiver.scope not in principal.scopes:
        REFUSED.labels(receiver.protocol, "scope").inc()
        have = ", ".join(sorted(principal.scopes))
        sentence = f"the token {principal.name!r} has the scopes {have}; {receiver.scope} is needed"
        return receiver.error(403, sentence, content_type)
    return None


async def _body(receive: Receive) -> bytes:
    """The whole body; the front before us limits its bytes and time."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _handle(receiver: Receiver, request: Received) -> Reply | Pending:
    close_old_connections()
    return receiver.handle(request)


def _committed(receiver: Receiver, receipt: WriteReceipt, answer: Pending) -> Reply:
    ITEMS.labels(receiver.protocol).inc(receipt.accepted)
    for refusal in receipt.refusals:
        REFUSED.labels(receiver.protocol, refusal.reason).inc(refusal.count)
    return answer.reply(receipt)


def _failed(receiver: Receiver, request: Received, error: Exception) -> Reply:
    described: Described = describe(error)
    REFUSED.labels(receiver.protocol, described.reason).inc()
    if described.status == 500:
        _log.error("receiver failed", protocol=receiver.protocol, exc_info=error)
    reply = receiver.error(described.status, described.sentence, request.content_type)
    retry = {"retry-after": str(described.retry_after_seconds)} if described.retry_after_seconds else {}
    return Reply(reply.status, reply.body, reply.content_type, {**reply.headers, **retry})


async def _send(reply: Reply, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    headers += [(b"content-length", str(len(reply.body)).encode()), (b"x-content-type-options", b"nosniff")]
    if reply.body:
        headers.append((b"content-type", reply.content_type.encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
