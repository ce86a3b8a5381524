"""The ASGI application of everything that is pushed; what it does not serve goes on to the inner application.

Receivers stand in front of Django so that a body is never spooled to disk, no session is looked up, and a request
that waits for its commit holds no thread.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import structlog
from django.conf import settings
from django.db import close_old_connections

from collectors.receivers.counters import ITEMS, REFUSED, REPEATED, REQUESTS
from collectors.receivers.early_answer import answer_early, unread
from collectors.receivers.errors import describe
from collectors.receivers.message import Pending, Received, Reply, media_type
from collectors.receivers.refusal_log import REFUSALS
from collectors.receivers.repeats import Repeats, digest_of
from collectors.receivers.routes import ELASTICSEARCH_PROBE, Receiver, receiver_of
from fleet.tokens import Principal, authenticate
from telemetry.model.samples import WriteReceipt

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Answered = TypeVar("Answered")

THREADS: Final = 8
"""Requests that are decoded at once; decoding is work for the processor, of which there are few."""

_CHALLENGE: Final = 'Bearer realm="Belvedere", Basic realm="Belvedere"'

_log = structlog.get_logger("belvedere.receivers")


class ReceiverApp:
    """Serves the routes of the table, hands everything else to `inner`."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._repeats = Repeats(settings.LOG_RETRIES["seconds"], settings.LOG_RETRIES["bytes"])
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="receiver")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        receiver = serving(scope)
        if receiver is None:
            await self._inner(scope, receive, send)
            return
        head = _Head.of(scope)
        if early := await self._early_answer(receiver, scope, head):
            REQUESTS.labels(receiver.protocol, str(early.status)).inc()
            rest = unread(scope["headers"], receive)
            await answer_early(early.status, _headers(early), early.body, rest, send)
            return
        body = await _body(receive)
        if body is not None:
            reply = await self._handled(receiver, head, self._answer(receiver, head.received(scope, body)))
            REQUESTS.labels(receiver.protocol, str(reply.status)).inc()
            await _send(reply, send)

    async def _early_answer(self, receiver: Receiver, scope: Scope, head: "_Head") -> Reply | None:
        """The answer to a request whose body need not be read, None if it must."""
        if scope["method"] not in receiver.methods:
            REFUSED.labels(receiver.protocol, "method").inc()
            allowed = ", ".join(sorted(receiver.methods))
            reply = receiver.error(405, f"{scope['path']} takes {allowed} only", head.content_type)
            return reply.with_headers(allow=allowed)
        return await self._handled(receiver, head, self._unauthorized(receiver, head))

    async def _unauthorized(self, receiver: Receiver, head: "_Head") -> Reply | None:
        head.principal = await self._in_pool(_authenticated, head.authorization)
        return _refusal(receiver, head)

    async def _answer(self, receiver: Receiver, request: Received) -> Reply:
        digest, answer = await self._in_pool(_handle, receiver, request, self._repeats)
        if not isinstance(answer, Pending):
            return answer
        receipt = await asyncio.shield(asyncio.wrap_future(answer.future))
        whole = replace(receipt, refusals=(*answer.refusals, *receipt.refusals))
        reply = _committed(receiver, whole, answer, request.principal.name)
        if digest and answer.is_recognisable and not whole.refusals:
            self._repeats.remember(digest, reply)
        return reply

    async def _handled(self, receiver: Receiver, head: "_Head", work: Awaitable[Answered]) -> Answered | Reply:
        try:
            return await work
        except Exception as error:  # an outer edge: whatever happens, the sender gets an answer in its own form
            return _failed(receiver, head, error)

    async def _in_pool(self, function: Callable[..., Answered], *arguments: Any) -> Answered:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


def serving(scope: Scope) -> Receiver | None:
    """The receiver for a request, if it is one of ours; other methods of an own API's path are for Django."""
    if scope["type"] != "http":
        return None
    receiver = ELASTICSEARCH_PROBE if _asks_for_elasticsearch(scope) else receiver_of(scope["path"])
    if receiver is None or (scope["method"] != "POST" and receiver.shares_path):
        return None
    return receiver


def _asks_for_elasticsearch(scope: Scope) -> bool:
    """Whether it is a shipper with a token, and no browser, that opens the front page."""
    if scope["path"] != "/" or scope["method"] not in ("GET", "HEAD"):
        return False
    headers = dict(scope["headers"])
    return b"authorization" in headers and b"html" not in headers.get(b"accept", b"")


class _Head:
    """What a request says before its body, and whom it comes from once that is known."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.authorization = headers.get("authorization") or _api_key(headers)
        self.content_type, self.content_parameters = media_type(headers.get("content-type", ""))
        self.content_encoding = headers.get("content-encoding", "").strip()
        self.principal: Principal | None = None

    @classmethod
    def of(cls, scope: Scope) -> "_Head":
        return cls({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})

    def received(self, scope: Scope, body: bytes) -> Received:
        assert self.principal is not None  # noqa: S101 - nobody else gets this far
        return Received(
            path=scope["path"],
            query=dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)),
            content_type=self.content_type,
            content_encoding=self.content_encoding,
            body=body,
            principal=self.principal,
            received_ns=time.time_ns(),
            content_parameters=self.content_parameters,
            method=scope["method"],
        )


def _api_key(headers: dict[str, str]) -> str | None:
    """The token where Dependency-Track's clients send it."""
    key = headers.get("x-api-key")
    return f"Bearer {key}" if key else None


def _authenticated(header: str | None) -> Principal | None:
    close_old_connections()
    return authenticate(header)


def _refusal(receiver: Receiver, head: _Head) -> Reply | None:
    """Why the token does not do, None if it does."""
    principal, scope = head.principal, receiver.scope
    if principal is None:
        REFUSED.labels(receiver.protocol, "unauthorized").inc()
        missing = "no API token was sent" if not head.authorization else "the API token is unknown, expired or revoked"
        sentence = f"{missing}; one with the scope {scope} is needed: `Authorization: Bearer TOKEN`, or Basic with it"
        return receiver.error(401, sentence, head.content_type).with_headers(**{"www-authenticate": _CHALLENGE})
    if scope in principal.scopes:
        return None
    REFUSED.labels(receiver.protocol, "scope").inc()
    have = ", ".join(sorted(principal.scopes))
    sentence = f"the token {principal.name!r} has the scopes {have}; {scope} is needed"
    return receiver.error(403, sentence, head.content_type)


async def _body(receive: Receive) -> bytes | None:
    """The whole body, None if the sender left before its end; the front before us limits its bytes and time."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _handle(receiver: Receiver, request: Received, repeats: Repeats) -> tuple[bytes, Reply | Pending]:
    """The digest of a log push ('' for anything else) and its answer; the former one if it was acknowledged before."""
    close_old_connections()
    if receiver.scope != "ingest:logs" or not request.body or not repeats.is_on:
        return b"", receiver.handle(request)
    digest = digest_of(request)
    if former := repeats.reply_to(digest):
        REPEATED.labels(receiver.protocol).inc()
        return digest, former
    return digest, receiver.handle(request)


def _committed(receiver: Receiver, receipt: WriteReceipt, answer: Pending, token: str) -> Reply:
    ITEMS.labels(receiver.protocol).inc(receipt.accepted)
    for refusal in receipt.refusals:
        REFUSED.labels(receiver.protocol, refusal.reason).inc(refusal.count)
        REFUSALS.note(token, receiver.protocol, refusal.reason, refusal.count, refusal.message)
    return answer.reply(receipt)


def _failed(receiver: Receiver, head: _Head, error: Exception) -> Reply:
    described = describe(error, receiver.busy_status)
    REFUSED.labels(receiver.protocol, described.reason).inc()
    token = head.principal.name if head.principal else "no known token"
    REFUSALS.note(token, receiver.protocol, described.reason, 1, described.sentence)
    if described.status == 500:
        _log.error("receiver failed", protocol=receiver.protocol, exc_info=error)
    reply = receiver.error(described.status, described.sentence, head.content_type)
    if not described.retry_after_seconds:
        return reply
    return reply.with_headers(**{"retry-after": str(described.retry_after_seconds)})


def _headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    if reply.status != 204:
        headers.append((b"content-type", reply.content_type.encode()))
    return [*headers, (b"x-content-type-options", b"nosniff")]


async def _send(reply: Reply, send: Send) -> None:
    headers = _headers(reply)
    if reply.status != 204:
        headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
