"""uvicorn inside this process: one listening socket, signals that end it with status 0."""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

import uvicorn
from django.conf import settings

from dashboard.runtime.lifespan import ASGIApp

FINISH_SECONDS: Final = 10
"""Time that requests in work have to finish once the process was told to stop."""

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the pause between two pushes of the usual senders, so that they keep their connection."""


class ListenProblem(Exception):
    """The address cannot be listened on; the message says why and what to do."""


def split_listen(listen: str) -> tuple[str, int]:
    """("127.0.0.1", 8000) of "127.0.0.1:8000"; IPv6 as "[::1]:8000". Raises ListenProblem."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ListenProblem(f"--listen {listen!r} is not HOST:PORT, such as 127.0.0.1:8000")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - an empty host means every address by convention


def is_loopback(listen: str) -> bool:
    """Only this machine can reach the address."""
    host, _ = split_listen(listen)
    return host in ("localhost", "::1") or host.startswith("127.")


def bind(listen: str) -> socket.socket:
    """A listening socket. Raises ListenProblem naming the address if it is taken or not ours."""
    host, port = split_listen(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise ListenProblem(f"cannot listen on {listen}: {error.strerror}; name another --listen HOST:PORT") from error
    return sock


class Server(uvicorn.Server):
    """Ends cleanly at the first SIGINT or SIGTERM and at once at the second; calls `ready` when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

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
    """How uvicorn serves `application`; forwarded headers count only from the proxies of the settings."""
    proxies: list[str] = settings.TRUSTED_PROXIES
    options: dict[str, Any] = {
        "loop": "asyncio",
        "http": "httptools",
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": bool(proxies),
        "forwarded_allow_ips": proxies or None,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": FINISH_SECONDS,
    }
    return uvicorn.Config(application, **options)
