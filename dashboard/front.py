"""In front of everything: limits the bytes, the time and the concurrency of requests by route.

Django spools a body of any size to disk before a view sees it, and the server waits for slow clients for ever;
here a request is refused before either happens. Authorisation is not decided here, only whether a request may
cost anything.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import Counter

from dashboard.front_groups import RouteGroup, group_of
from dashboard.front_refusals import Refused, answer_refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

WRITE_SECONDS: Final = 60.0
"""A client that takes no byte of its answer for this long is let go."""

REFUSED: Final = Counter("belvedere_front_refused", "Requests refused before any work.", ["group", "reason"])

_TWO_MEANINGS: Final = re.compile(rb"//|/\.{1,2}(/|$)|%00|%5c|\\", re.IGNORECASE)
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
        guarded = _Guarded(group, receive, send)
        try:
            check_path(scope)
            check_length(scope, group)
            await self._work(group, scope, guarded)
        except Refused as refused:
            REFUSED.labels(group.name, refused.reason).inc()
            if not guarded.answering:
                await answer_refusal(refused, group, send)

    async def _work(self, group: RouteGroup, scope: Scope, guarded: "_Guarded") -> None:
        if not group.enter():
            raise Refused(
                group.busy_status,
                "concurrency",
                f"all places for {group.words} are taken; the limit is {group.concurrent} ({group.concurrent_setting})",
                retry_after_seconds=1,
            )
        try:
            await self._inner(scope, guarded.receive, guarded.send)
        finally:
            group.leave()


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


@dataclass(slots=True)
class _Guarded:
    """The two channels of one request, counted and timed."""

    group: RouteGroup
    inner_receive: Receive
    inner_send: Send
    received: int = 0
    deadline: float = 0.0
    complete: bool = False
    answering: bool = False

    async def receive(self) -> Message:
        """The next part of the body. Raises Refused over the limit of bytes or time."""
        if self.complete:
            return await self.inner_receive()
        message = await self._in_time()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
            if self.received > self.group.max_bytes:
                raise _too_large(f"more than {self.group.max_bytes:,}", self.group)
        return message

    async def _in_time(self) -> Message:
        now = time.monotonic()
        self.deadline = self.deadline or now + self.group.body_seconds
        try:
            return await asyncio.wait_for(self.inner_receive(), max(0.001, self.deadline - now))
        except TimeoutError:
            raise Refused(
                408,
                "body_seconds",
                f"the body did not arrive within {self.group.body_seconds:g} seconds ({self.group.seconds_setting})",
            ) from None

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on. Raises Refused if the client stopped reading."""
        self.answering = True
        try:
            await asyncio.wait_for(self.inner_send(message), WRITE_SECONDS)
        except TimeoutError:
            raise Refused(408, "stalled_reader", f"no byte of the answer was taken for {WRITE_SECONDS:g} s") from None
