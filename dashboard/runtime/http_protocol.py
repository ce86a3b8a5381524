"""uvicorn's HTTP protocol with limits on the head of a request, which no ASGI application can see."""

import asyncio
from typing import Final

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS: Final = 20.0
"""A connection that has no request in work must send a whole head within this time."""
MAX_HEAD_BYTES: Final = 64 * 1024

REFUSED: Final = Counter("belvedere_http_heads_refused", "Connections closed for their request's head.", ["reason"])


class LimitedHeads(HttpToolsProtocol):
    """Closes connections that say nothing, say it too slowly, or say too much before the body."""

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return  # over, or a WebSocket from here on
        if self._timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse("bytes", b"431 Request Header Fields Too Large")
        elif self.cycle is None or self.cycle.response_complete:
            self._await_head()  # bytes between two requests that begin none

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._head_arrived()
        super().on_headers_complete()

    def _await_head(self) -> None:
        if self._timer is None:
            self._head_bytes = 0
            self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._head_is_late)

    def _head_arrived(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_is_late(self) -> None:
        self._timer = None
        if self.cycle is None or self.cycle.response_complete:
            self._refuse("seconds", b"408 Request Timeout")

    def _refuse(self, reason: str, status: bytes) -> None:
        REFUSED.labels(reason).inc()
        self._head_arrived()
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()
