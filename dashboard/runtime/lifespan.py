"""ASGI lifespan: the server's start and stop drive the parts of the process.

Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from dashboard.runtime.parts import Parts
from dashboard.version import VERSION

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
        self.failure: Exception | None = None
        """Why the start failed, if it did."""
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
            _log.debug("start failed", exc_info=True)
            self.failure = error
            await send({"type": "lifespan.startup.failed"})
            return
        _log.info("started", version=VERSION, parts=[part.name for part in self._parts.started])
        await send({"type": "lifespan.startup.complete"})
        await receive()
        _log.info("stopping")
        self.stopped_in_time = await asyncio.to_thread(self._parts.stop)
        _log.info("stopped", in_time=self.stopped_in_time)
        await send({"type": "lifespan.shutdown.complete"})
