"""In front of everything: limits the bytes, the time and the concurrency of requests by route.

Django spools a body of any size to disk before a view sees it, and the server waits for slow clients for ever;
here a request is refused before either happens. Authorisation is not decided here, only whether a request may
cost anything.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import Counter

from collectors.receivers.app import serving
from collectors.receivers.early_answer import nothing_more, unread
from dashboard.front_groups import RouteGroup, group_of
from dashboard.front_refusals import Refused, answer_refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

WRITE_SECONDS: Final = 60.0
"""A client that takes nothing of its answer for this long is let go."""

WRITE_BYTES: Final = 256 * 1024
"""Largest part of an answer that has to be taken in that time."""

REFUSED: Final = Counter("belvedere_front_refused", "Requests refused before any work.", ["group", "reason"])

_TWO_MEANINGS: Final = re.compile(rb"//|/\.{1,2}(/|$)|%00|%5c|\\|;", re.IGNORECASE)
_ENCODED_SLASH: Final = re.compile(rb"%2f|%2e%2e", re.IGNORECASE)
_NAMES_IN_PATHS: Final = (b"/services/", b"/api/services/", b"/api/metrics/", b"/api/v1/label/", b"/loki/api/v1/label/")
"""Below these a name follows that may hold an escaped slash."""


class Front:
    """ASGI application around `inner`; everything but HTTP passes through."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        group = group_of(scope["method"], scope["path"])
        guarded = _Guarded(group, _busy_status(scope, group), receive, send)
        try:
            check_path(scope)
            check_length(scope, group)
            await self._work(scope, guarded)
        except Refused as refused:
            REFUSED.labels(group.name, refused.reason).inc()
            if not guarded.answering:
                await answer_refusal(refused, group, scope, guarded.rest(refused, scope), send)

    async def _work(self, scope: Scope, guarded: "_Guarded") -> None:
        group = guarded.group
        if not group.enter():
            raise guarded.busy(
                "concurrency",
                f"all places for {group.words} are taken; the limit is {group.concurrent} ({group.concurrent_setting})",
            )
        try:
            await self._inner(scope, guarded.receive, guarded.send)
        finally:
            group.leave(guarded.held)


def build_front(inner: ASGIApp) -> ASGIApp:
    """`inner` behind the limits of the settings."""
    return Front(inner)


def check_path(scope: Scope) -> None:
    """Raises Refused for a path that two readers could understand differently."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    raw = raw.partition(b"?")[0]
    encoded = _ENCODED_SLASH.search(raw) and not raw.startswith(_NAMES_IN_PATHS)
    if _TWO_MEANINGS.search(raw) or encoded:
        raise Refused(400, "path", "the path has an empty, dotted or escaped part that could be read in two ways")


def check_length(scope: Scope, group: RouteGroup) -> None:
    """Raises Refused if the announced length is no number or over the group's limit."""
    announced = [value for name, value in scope["headers"] if name == b"content-length"]
    if not announced:
        return
    if len(set(announced)) > 1 or not announced[0].isdigit():
        raise Refused(400, "content_length", f"content-length {announced[0][:40]!r} is not a number of bytes")
    length = int(announced[0])
    if length > group.max_bytes:
        raise _too_large(f"{length:,}", group)


def _too_large(size: str, group: RouteGroup) -> Refused:
    return Refused(
        413, "body_bytes", f"the body has {size} bytes; the limit is {group.max_bytes:,} ({group.bytes_setting})"
    )


def _busy_status(scope: Scope, group: RouteGroup) -> int:
    receiver = serving(scope)
    return receiver.busy_status if receiver else group.busy_status


@dataclass(slots=True)
class _Guarded:
    """The two channels of one request, counted and timed."""

    group: RouteGroup
    busy_status: int
    inner_receive: Receive
    inner_send: Send
    held: int = 0
    """Bytes of the body that have arrived."""
    deadline: float = 0.0
    complete: bool = False
    answering: bool = False

    async def receive(self) -> Message:
        """The next part of the body. Raises Refused over the limit of bytes or time."""
        if self.complete:
            return await self.inner_receive()
        message = await self._in_time()
        if message["type"] == "http.request":
            self._hold(len(message.get("body", b"")))
            self.complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, a large one in pieces. Raises Refused if the client stopped reading."""
        self.answering = True
        body = message.get("body", b"")
        for start in range(0, len(body) - WRITE_BYTES, WRITE_BYTES):
            piece = body[start : start + WRITE_BYTES]
            await self._taken({"type": "http.response.body", "body": piece, "more_body": True})
        if len(body) > WRITE_BYTES:
            message = {**message, "body": body[(len(body) - 1) // WRITE_BYTES * WRITE_BYTES :]}
        await self._taken(message)

    def busy(self, reason: str, sentence: str) -> Refused:
        """The refusal that tells a sender to try again later."""
        return Refused(self.busy_status, reason, sentence, retry_after_seconds=1)

    def rest(self, refused: Refused, scope: Scope) -> Receive:
        """Where the rest of a refused body comes from: nowhere if its sender is too slow or has not begun."""
        if refused.status == 408:
            return nothing_more
        return self.inner_receive if self.held else unread(scope["headers"], self.inner_receive)

    def _hold(self, size: int) -> None:
        if self.held + size > self.group.max_bytes:
            raise _too_large(f"more than {self.group.max_bytes:,}", self.group)
        if not self.group.hold(size):
            raise self.busy(
                "held_bytes",
                f"the bodies of {self.group.words} in work hold {self.group.held_bytes:,} bytes and {size:,} more "
                f"would pass the limit of {self.group.held_limit:,} ({self.group.held_setting})",
            )
        self.held += size

    async def _in_time(self) -> Message:
        now = asyncio.get_running_loop().time()
        self.deadline = self.deadline or now + self.group.body_seconds
        try:
            async with asyncio.timeout_at(self.deadline):
                return await self.inner_receive()
        except TimeoutError:
            raise Refused(
                408,
                "body_seconds",
                f"the body did not arrive within {self.group.body_seconds:g} seconds ({self.group.seconds_setting})",
            ) from None

    async def _taken(self, message: Message) -> None:
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self.inner_send(message)
        except TimeoutError:
            raise Refused(408, "stalled_reader", f"nothing of the answer was taken for {WRITE_SECONDS:g} s") from None
