"""Django for addresses that programs ask many times a second: the whole request in one change of threads.

Django's own ASGI handler goes to and fro between the loop and a new thread for every middleware that is not
asynchronous, which takes longer than a small query does. Here its synchronous handler runs from the first middleware
to the last in a thread of a pool; the settings' middleware, views and answers are the same to the byte.
"""

import asyncio
import contextvars
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, cast

from django.conf import settings
from django.core import signals
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponse, HttpResponseBadRequest
from django.utils.module_loading import import_string

from dashboard.runtime.client_gone import SCOPE_KEY
from dashboard.runtime.lifespan import ASGIApp, Receive, Scope, Send
from telemetry.model.cancellation import Cancellation

PATHS: Final = frozenset(
    f"{prefix}/api/v1/{name}" for prefix in ("", "/prometheus") for name in ("query", "query_range", "series", "labels")
)
"""Addresses whose answers are whole, never streamed."""

_METHODS: Final = frozenset({"GET", "POST"})
_FOR_SESSIONS: Final = frozenset(
    {
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django_otp.middleware.OTPMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
    }
)
"""Middleware that does nothing for a request that a token alone speaks for."""


class OneHop:
    """ASGI application around `inner`, which gets every request that is not one of `PATHS`."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._by_session = _SyncHandler(settings.MIDDLEWARE)
        self._by_token = _SyncHandler([name for name in settings.MIDDLEWARE if name not in _FOR_SESSIONS])
        self._pool = ThreadPoolExecutor(settings.CONCURRENT_REQUESTS, thread_name_prefix="query")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in PATHS or scope["method"] not in _METHODS:
            await self._inner(scope, receive, send)
            return
        if (body := await _body(receive)) is None:
            return
        cancellation = scope[SCOPE_KEY] = Cancellation()
        handler = self._by_token if _has_token(scope) else self._by_session
        work = self._in_pool(handler, scope, body)
        leaving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                cancellation.cancel()
            answer = await work
        finally:
            leaving.cancel()
        if not cancellation.cancelled:
            await _send(answer, send)

    def _in_pool(self, handler: "_SyncHandler", scope: Scope, body: bytes) -> "asyncio.Future[_Answer]":
        context = contextvars.copy_context()
        return asyncio.get_running_loop().run_in_executor(self._pool, context.run, handler.answer, scope, body)


class _SyncHandler(BaseHandler):
    """Django's handler with the given middleware, all of it synchronous and none that handles exceptions."""

    def __init__(self, middleware: Sequence[str]) -> None:
        super().__init__()
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler: Any = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for name in reversed(middleware):
            handler = self._around(import_string(name)(handler))
        self._middleware_chain = handler

    def _around(self, middleware: Any) -> Any:
        if hasattr(middleware, "process_view"):
            self._view_middleware.insert(0, middleware.process_view)
        return convert_exception_to_response(middleware)

    def answer(self, scope: Scope, body: bytes) -> "_Answer":
        """What Django says to a request that has arrived whole."""
        signals.request_started.send(sender=type(self), scope=scope)
        response = self._response(scope, body)
        answer = _Answer(response.status_code, _headers(response), response.content)
        response.close()
        return answer

    def _response(self, scope: Scope, body: bytes) -> HttpResponse:
        try:
            request = ASGIRequest(scope, BytesIO(body))
        except UnicodeDecodeError:
            return HttpResponseBadRequest()
        return cast(HttpResponse, self.get_response(request))


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def _headers(response: HttpResponse) -> list[tuple[bytes, bytes]]:
    plain = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    cookies = [
        (b"Set-Cookie", morsel.output(header="").encode("ascii").strip()) for morsel in response.cookies.values()
    ]
    return plain + cookies


def _has_token(scope: Scope) -> bool:
    return any(name == b"authorization" for name, _ in scope["headers"])


async def _body(receive: Receive) -> bytes | None:
    """The whole body, None if the client left before its end; the front before us limits its bytes and time."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _send(answer: _Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
