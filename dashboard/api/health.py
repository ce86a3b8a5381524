"""`/healthz`, `/readyz` and `/metrics`.

The first two stand in front of everything else, so that no limit, host check or busy thread keeps an
orchestrator from its answer.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from dashboard.accounts.gate import requires
from dashboard.runtime.lifespan import ASGIApp, Receive, Scope, Send
from dashboard.runtime.readiness import Readiness, probe

READY_SECONDS: Final = 10.0
"""Longest time that `/readyz` waits for its checks; a check that hangs is a fault too."""

Answer = tuple[int, dict[str, Any]]


class Health:
    """ASGI wrapper that answers the two probes itself."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _PROBES.get(scope["path"]) if scope["type"] == "http" else None
        if answer is None:
            await self._application(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await _send(send, 405, {"error": f"{scope['method']} is not allowed here; use GET"})
        else:
            await _send(send, *(await answer()), head=scope["method"] == "HEAD")


async def _alive() -> Answer:
    """The process answers; it says nothing of what it needs."""
    return 200, {"status": "ok"}


async def _ready() -> Answer:
    """200 if everything that is needed works, else 503; the body names each check."""
    try:
        readiness = await asyncio.wait_for(asyncio.to_thread(_ask), READY_SECONDS)
    except TimeoutError:
        return 503, {"ready": False, "checks": {}, "error": f"no answer from the checks in {READY_SECONDS:.0f} s"}
    checks = {name: {"ok": not fault, "fault": fault} for name, fault in readiness.faults.items()}
    return (200 if readiness.ready else 503), {"ready": readiness.ready, "checks": checks}


def _ask() -> Readiness:
    """In a thread that no request of Django tidies up after."""
    try:
        return probe.ask()
    finally:
        connections.close_all()


_PROBES: Final[dict[str, Callable[[], Awaitable[Answer]]]] = {"/healthz": _alive, "/readyz": _ready}


async def _send(send: Send, status: int, value: dict[str, Any], *, head: bool = False) -> None:
    body = json.dumps(value).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})


@requires("query", open_on_loopback=True)
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Own metrics in the form that the scraper asks for: OpenMetrics or Prometheus text."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(REGISTRY), content_type=content_type)
