"""Answers that are given before the body was read, without the sender losing them.

A connection that is closed while the other side still sends is reset, and the answer with it. So the rest of
the body is read and thrown away for a moment before the connection ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

Message = MutableMapping[str, Any]

LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 32 * 1024**2
"""How long, and how much, is read of a body that nobody wants."""


async def nothing_more() -> Message:
    """A `receive` that stands in for one whose sender is not worth waiting for."""
    return {"type": "http.disconnect"}


def unread(
    headers: Iterable[tuple[bytes, bytes]], receive: Callable[[], Awaitable[Message]]
) -> Callable[[], Awaitable[Message]]:
    """Where the rest of a body comes from: nowhere if the sender waits to be told to send it."""
    return nothing_more if (b"expect", b"100-continue") in headers else receive


async def answer_early(
    status: int,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Send the whole answer at once, then read on for a moment, then end the connection."""
    whole = [*headers, (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": whole})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await _read_away(receive)
    await send({"type": "http.response.body", "body": b""})


async def _read_away(receive: Callable[[], Awaitable[Message]]) -> None:
    left = LINGER_BYTES
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return
