"""How the front says no: JSON to APIs, plain text to the rest, and the connection is closed."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from dashboard.front_groups import RouteGroup


class Refused(Exception):
    """A request that will not be worked on; `reason` is a short word for the metric."""

    def __init__(self, status: int, reason: str, sentence: str, *, retry_after_seconds: int = 0) -> None:
        super().__init__(sentence)
        self.status = status
        self.reason = reason
        self.sentence = sentence
        self.retry_after_seconds = retry_after_seconds


async def answer_refusal(
    refused: Refused, group: RouteGroup, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]
) -> None:
    """Send the refusal; what is left of the body is not read, so the connection ends with it."""
    json_form = group.name != "page"
    text = refused.sentence + "\n"
    if json_form:
        error_type = "timeout" if refused.status == 408 else "bad_data" if refused.status < 429 else "unavailable"
        text = json.dumps({"status": "error", "errorType": error_type, "error": refused.sentence})
    body = text.encode()
    headers = [
        (b"content-type", b"application/json" if json_form else b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    if refused.retry_after_seconds:
        headers.append((b"retry-after", str(refused.retry_after_seconds).encode()))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
