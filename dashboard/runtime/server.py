"""uvicorn inside this process: one listening socket, signals that end it with status 0."""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

import uvicorn

from dashboard.runtime.http_protocol import LimitedHeads
from dashboard.runtime.lifespan import ASGIApp

FINISH_SECONDS: Final = 10
"""Time that requests in work have to finish once the process was told to stop."""

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the pause between two pushes of the usual senders, so that they keep their connection."""


class Server(uvicorn.Server):
    """Ends cleanly at the first SIGINT or SIGTERM and at once at the second; calls `ready` when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)  # the embedded engine took Ctrl-Z away
            await asyncio.to_thread(self._ready)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's own, it does not raise the signal again: a clean stop is status 0, not 143."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            # Whatever was acknowledged is on the disk already, so nothing is lost by leaving here.
            os.write(sys.stderr.fileno(), b"second signal: leaving at once\n")
            os._exit(128 + sig)
        self.should_exit = True


def configuration(application: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves `application`. Forwarded headers are the business of `dashboard.accounts`."""
    options: dict[str, Any] = {
        "loop": "asyncio",
        "http": LimitedHeads,
        "ws": "websockets-sansio",
        "ws_max_size": 65_536,
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": FINISH_SECONDS,
    }
    return uvicorn.Config(application, **options)


def leave(status: int) -> None:
    """End the process now, without waiting for threads that did not stop; buffers are written first."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def raise_file_limit() -> None:
    """Connections and the engine's files count together, so take as many descriptors as are allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
