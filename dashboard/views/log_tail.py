"""`/logs/tail`: records as they are committed, as server-sent events of rows of the page."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import Final

import orjson
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from dashboard.accounts.gate import requires
from dashboard.panels.log_tail import LOOK_SECONDS, LogTail, TailLook
from dashboard.panels.logs import newer_records
from dashboard.views.log_filters import log_filter, log_query
from telemetry.model.errors import InvalidInput, TelemetryError
from telemetry.store import LogCursor, LogQuery, TelemetryStore, current

HEARTBEAT_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 900.0
"""Then the browser asks again, and the session with it."""
MOST_TAILS: Final = 32
"""Tails of one process at once: each holds one of its places for requests."""
MAILBOX: Final = 50_000

_open_tails = 0


@requires("view:fleet")
@require_GET
def tail(request: HttpRequest) -> HttpResponseBase:
    """Rows of new records that fit the filter of the address, until the browser leaves."""
    if _open_tails >= MOST_TAILS:
        return _refused(f"{_open_tails} live tails are open, which is the limit of this process", 503)
    try:
        store, query = current(), log_query(request)
    except TelemetryError as error:
        return _refused(str(error), 400 if isinstance(error, InvalidInput) else 503)
    looks = looks_of_feed(store, query) if store.engine.embedded else looks_of_store(store, query)
    response = StreamingHttpResponse(
        _events(looks, log_filter(request).text), content_type="text/event-stream; charset=utf-8"
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    response["Content-Encoding"] = "identity"  # compressed, an event would wait for the next ones
    return response


def _refused(sentence: str, status: int) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")


async def _events(looks: AsyncIterator[TailLook | None], wanted: str) -> AsyncIterator[bytes]:
    global _open_tails
    _open_tails += 1
    try:
        yield b"retry: 2000\n\n"
        async for look in looks:
            yield (
                b": still here\n\n"
                if look is None
                else await sync_to_async(_event, thread_sensitive=False)(look, wanted)
            )
    finally:
        _open_tails -= 1


def _event(look: TailLook, wanted: str) -> bytes:
    html = render_to_string("logs/_newer.html", {"lines": look.lines, "wanted": wanted})
    told = {"html": html, "records": len(look.lines), "dropped": look.dropped}
    return b"data: " + orjson.dumps(told) + b"\n\n"


async def looks_of_feed(store: TelemetryStore, query: LogQuery) -> AsyncIterator[TailLook | None]:
    """Looks at what this process commits; None where nothing came for a while."""
    loop, woken = asyncio.get_running_loop(), asyncio.Event()
    tail_of, until = LogTail(query), time.monotonic() + LONGEST_SECONDS
    wake: Callable[[], None] = partial(_wake, loop, woken)
    with store.live_logs.subscribe(capacity=MAILBOX, wake=wake) as subscription:
        while time.monotonic() < until:
            try:
                await asyncio.wait_for(woken.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield None
                continue
            woken.clear()
            look = await sync_to_async(lambda: tail_of.look(*subscription.take()), thread_sensitive=False)()
            if look.lines or look.dropped:
                yield look
            await asyncio.sleep(LOOK_SECONDS)


def _wake(loop: asyncio.AbstractEventLoop, woken: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(woken.set)


async def looks_of_store(store: TelemetryStore, query: LogQuery) -> AsyncIterator[TailLook | None]:
    """Asks the store again and again: in a cluster another process may take the records."""
    cursor, until = LogCursor(time.time_ns(), 0), time.monotonic() + LONGEST_SECONDS
    quiet = 0.0
    while time.monotonic() < until:
        open_ended = replace(query, end_ns=max(query.end_ns, time.time_ns() + 600 * 10**9))
        found = await sync_to_async(newer_records, thread_sensitive=False)(store, open_ended, cursor)
        cursor, quiet = found.cursor, 0.0 if found.lines else quiet + LOOK_SECONDS
        if found.lines:
            yield TailLook(found.lines, 0)
        elif quiet >= HEARTBEAT_SECONDS:
            quiet = 0.0
            yield None
        await asyncio.sleep(LOOK_SECONDS)
