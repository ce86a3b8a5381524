"""What a view is told when its client goes."""

import asyncio

from django.http import HttpRequest

from dashboard.runtime.client_gone import SCOPE_KEY, ClientGone, cancellation_of


def test_a_disconnect_throws_the_switch_of_the_request() -> None:
    seen = []

    async def inner(scope, receive, send) -> None:
        request = HttpRequest()
        request.scope = scope
        seen.append(cancellation_of(request).cancelled)
        await receive()
        seen.append(cancellation_of(request).cancelled)
        await receive()
        seen.append(cancellation_of(request).cancelled)

    messages = iter([{"type": "http.request", "body": b""}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    asyncio.run(ClientGone(inner)({"type": "http"}, receive, None))
    assert seen == [False, False, True]


def test_what_is_no_request_passes_through() -> None:
    scopes = []

    async def inner(scope, receive, send) -> None:
        scopes.append(scope)

    asyncio.run(ClientGone(inner)({"type": "websocket"}, None, None))
    assert scopes == [{"type": "websocket"}]
    assert SCOPE_KEY not in scopes[0]
    assert cancellation_of(HttpRequest()) is None
