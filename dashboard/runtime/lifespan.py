"""ASGI lifespan: the server's start and stop drive the parts of the process.

Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from dashboard.runtime.parts import Parts

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = structlog.get_logger("belvedere.runtime")


class Lifespan:
    """Wraps an application; starts `parts` before its first request and stops them after its last."""

    def __init__(self, application: ASGIApp, parts: Parts) -> None:
        self._application = application
        self._parts = parts
        self.stopped_in_time = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._application(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await asyncio.to_thread(self._parts.start)
        except Exception as error:  # an outer edge: the server must hear of it
            _log.exception("start failed")
            await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.stopped_in_time = await asyncio.to_thread(self._parts.stop)
        await send({"type": "lifespan.shutdown.complete"})
