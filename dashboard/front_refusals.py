"""How the front says no: in the form of the protocol that is spoken, and the connection is closed."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from collectors.receivers.app import serving
from collectors.receivers.early_answer import answer_early
from collectors.receivers.message import Reply, json_reply, media_type
from dashboard.front_groups import RouteGroup

Message = MutableMapping[str, Any]


class Refused(Exception):
    """A request that will not be worked on; `reason` is a short word for the metric."""

    def __init__(self, status: int, reason: str, sentence: str, *, retry_after_seconds: int = 0) -> None:
        super().__init__(sentence)
        self.status = status
        self.reason = reason
        self.sentence = sentence
        self.retry_after_seconds = retry_after_seconds


async def answer_refusal(
    refused: Refused,
    group: RouteGroup,
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Send the refusal; what is left of the body is thrown away, and the connection ends with it."""
    reply = _reply(refused, group, scope)
    headers = [
        (b"content-type", reply.content_type.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    if refused.retry_after_seconds:
        headers.append((b"retry-after", str(refused.retry_after_seconds).encode()))
    await answer_early(refused.status, headers, reply.body, receive, send)


def _reply(refused: Refused, group: RouteGroup, scope: MutableMapping[str, Any]) -> Reply:
    if receiver := serving(scope):
        kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
        return receiver.error(refused.status, refused.sentence, media_type(kind.decode("latin-1"))[0])
    if group.name == "page":
        return Reply(refused.status, f"{refused.sentence}\n".encode())
    error_type = "timeout" if refused.status == 408 else "bad_data" if refused.status < 429 else "unavailable"
    return json_reply(refused.status, {"status": "error", "errorType": error_type, "error": refused.sentence})
