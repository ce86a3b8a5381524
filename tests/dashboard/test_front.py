"""The front refuses what would cost too much before anything else runs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from dashboard import front
from dashboard.front import Front
from dashboard.front_groups import RouteGroup, group_name

GROUP = RouteGroup("api", "API requests", 10, "MAX_BYTES", 0.2, "SECONDS", 2, "PLACES", 429)


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> RouteGroup:
    small = replace(GROUP)
    monkeypatch.setattr(front, "group_of", lambda method, path: small)
    return small


async def echo(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Reads the whole body and answers with its length."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def ask(
    *parts: bytes,
    path: str = "/api/x",
    headers: list[tuple[bytes, bytes]] | None = None,
    pause: float = 0.0,
    inner: Any = echo,
) -> tuple[int, str, dict[bytes, bytes]]:
    """Status, body and headers of one request whose body arrives in `parts`."""
    waiting, sent = list(parts), []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        body = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": headers or []}
    asyncio.run(Front(inner)(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    return sent[0]["status"], body, dict(sent[0]["headers"])


def test_a_small_body_passes(group: RouteGroup) -> None:
    assert ask(b"12345", b"67890")[:2] == (200, "10")


def test_an_announced_length_over_the_limit_is_refused_without_reading(group: RouteGroup) -> None:
    status, body, headers = ask(b"x", headers=[(b"content-length", b"11")])
    assert status == 413
    assert "11 bytes; the limit is 10 (MAX_BYTES)" in body
    assert headers[b"connection"] == b"close"


def test_a_body_that_grows_over_the_limit_is_cut_off(group: RouteGroup) -> None:
    assert ask(b"x" * 6, b"x" * 6)[0] == 413


@pytest.mark.parametrize("length", [b"-1", b"abc", b"1e3", b""])
def test_a_length_that_is_no_number_is_refused(group: RouteGroup, length: bytes) -> None:
    assert ask(b"x", headers=[(b"content-length", length)])[0] == 400


def test_two_different_lengths_are_refused(group: RouteGroup) -> None:
    assert ask(b"x", headers=[(b"content-length", b"1"), (b"content-length", b"2")])[0] == 400


def test_a_slow_body_is_refused(group: RouteGroup) -> None:
    status, body, _ = ask(b"a", b"b", b"c", b"d", pause=0.09)
    assert status == 408
    assert "0.2 seconds (SECONDS)" in body


def test_no_more_requests_than_places(group: RouteGroup) -> None:
    group.in_work = 2
    status, body, headers = ask(b"x")
    assert (status, headers[b"retry-after"]) == (429, b"1")
    assert "the limit is 2 (PLACES)" in body


def test_a_place_is_given_back_after_a_failure(group: RouteGroup) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("view failed")

    with pytest.raises(RuntimeError):
        ask(b"x", inner=broken)
    assert group.in_work == 0


@pytest.mark.parametrize(
    "path", ["//admin", "/a//b", "/./a", "/a/../b", "/a/..", "/x%2fy", "/x%2Fy", "/a%00", "/a%5cb", "/a/%2e%2e/b"]
)
def test_a_path_with_two_meanings_is_refused(group: RouteGroup, path: str) -> None:
    assert ask(b"", path=path)[0] == 400


@pytest.mark.parametrize("path", ["/services/a%2Fb", "/api/v1/label/x%2Fy/values", "/a.b/..c"])
def test_names_may_hold_an_escaped_slash_where_names_stand(group: RouteGroup, path: str) -> None:
    assert ask(b"", path=path)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/api/v1/write", "ingest"),
        ("POST", "/v1/logs", "ingest"),
        ("POST", "/otlp/v1/metrics", "ingest"),
        ("POST", "/api/v1/otlp/v1/metrics", "ingest"),
        ("POST", "/loki/api/v1/push", "ingest"),
        ("POST", "/api/logs", "ingest"),
        ("GET", "/api/logs", "api"),
        ("POST", "/api/costs", "upload"),
        ("POST", "/api/v1/query", "api"),
        ("POST", "/login", "page"),
        ("GET", "/", "page"),
    ],
)
def test_each_route_has_its_group(method: str, path: str, name: str) -> None:
    assert group_name(method, path) == name


def test_what_is_not_http_passes() -> None:
    seen = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(Front(inner)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
