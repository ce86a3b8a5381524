"""Heads of requests, over real sockets to uvicorn."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from dashboard.runtime import http_protocol
from dashboard.runtime.http_protocol import REFUSED, LimitedHeads
from dashboard.runtime.listening import bind


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """Says how many bytes the body had."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"7")]})
    await send({"type": "http.response.body", "body": f"{size:7d}".encode()})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.3)
    sock = bind("127.0.0.1:0")
    config = uvicorn.Config(
        answering, http=LimitedHeads, ws="none", lifespan="off", log_config=None, timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    yield int(sock.getsockname()[1])
    server.should_exit = True
    thread.join()


def talk(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Everything that the server says until it closes, or for two seconds."""

    async def conversation() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        said = b""
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            async with asyncio.timeout(2):
                while chunk := await reader.read(65536):
                    said += chunk
        except TimeoutError:
            said += b"(open)"
        except ConnectionError:
            pass  # closed while we were still writing
        writer.close()
        return said

    return asyncio.run(conversation())


def test_half_a_head_is_answered_with_408_and_closed(port: int) -> None:
    said = talk(port, b"GET / HTTP/1.1\r\nHost: x\r\nA: ")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert not said.endswith(b"(open)")


@pytest.mark.parametrize("bytes_between", [b"", b"\r\n"])
def test_a_connection_that_begins_no_request_is_closed(port: int, bytes_between: bytes) -> None:
    assert not talk(port, bytes_between).endswith(b"(open)")


def test_a_head_that_drips_is_closed_all_the_same(port: int) -> None:
    before = REFUSED.labels("seconds")._value.get()
    said = talk(port, b"GET / HTTP/1.1\r\n", *[b"a: b\r\n"] * 8, pause=0.1)
    assert not said.endswith(b"(open)")
    assert REFUSED.labels("seconds")._value.get() == before + 1


def test_a_head_that_is_too_long_is_refused(port: int) -> None:
    before = REFUSED.labels("bytes")._value.get()
    said = talk(port, b"GET / HTTP/1.1\r\n", *[b"a: " + b"x" * 20_000 + b"\r\n"] * 6)
    assert not said.endswith(b"(open)")
    assert REFUSED.labels("bytes")._value.get() == before + 1


def test_a_slow_body_is_not_the_business_of_the_head(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
    said = talk(port, head, *[b"x" * 50_000] * 4, pause=0.2)
    assert b" 200000" in said
    assert said.endswith(b"(open)")


def test_a_connection_between_two_requests_is_kept(port: int) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    said = talk(port, request, request, pause=0.6)
    assert said.count(b"HTTP/1.1 200 ") == 2
    assert said.endswith(b"(open)")


def test_a_second_request_whose_head_stops_is_closed(port: int) -> None:
    said = talk(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\n", pause=0.1)
    assert b"HTTP/1.1 200 " in said
    assert b"HTTP/1.1 408 " in said
