"""Tells views that their client has gone: what they compute then is for nobody."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from django.http import HttpRequest

from dashboard.runtime.lifespan import ASGIApp
from telemetry.model.cancellation import Cancellation

SCOPE_KEY: Final = "belvedere.cancellation"


class ClientGone:
    """ASGI application around Django, which listens for the disconnect while a view works in its thread."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        cancellation = scope[SCOPE_KEY] = Cancellation()

        async def listening() -> MutableMapping[str, Any]:
            message = await receive()
            if message["type"] == "http.disconnect":
                cancellation.cancel()
            return message

        await self._inner(scope, listening, send)


def cancellation_of(request: HttpRequest) -> Cancellation | None:
    """Thrown when the client of `request` goes; None where no server listens."""
    scope: MutableMapping[str, Any] = getattr(request, "scope", {})
    found = scope.get(SCOPE_KEY)
    return found if isinstance(found, Cancellation) else None
