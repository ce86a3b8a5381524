"""Downloads that are made while they are sent, on ASGI and in plain tests alike."""

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

LINES_AT_ONCE: Final = 500


def streamed(request: HttpRequest, name: str, content_type: str, lines: Iterator[str]) -> StreamingHttpResponse:
    """A download called `name`. On ASGI the lines are made in a thread, some at a time, as the client reads them."""
    chunks = _in_thread(lines) if isinstance(request, ASGIRequest) else lines
    response = StreamingHttpResponse(chunks, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    # the middleware would compress every chunk as a file of its own, of which clients read the first
    response["Content-Encoding"] = "identity"
    return response


async def _in_thread(lines: Iterator[str]) -> AsyncIterator[str]:
    take = sync_to_async(lambda: "".join(islice(lines, LINES_AT_ONCE)), thread_sensitive=False)
    while chunk := await take():
        yield chunk
