"""The front refuses what would cost too much before anything else runs, in the form of the protocol."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from collectors.receivers import early_answer
from dashboard import front
from dashboard.front import REFUSED, Front
from dashboard.front_groups import RouteGroup, group_name, route_groups

GROUP = RouteGroup("api", "API requests", 10, "MAX_BYTES", 0.2, "SECONDS", 2, "PLACES", 429, 100, "HELD")


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> RouteGroup:
    small = replace(GROUP)
    monkeypatch.setattr(front, "group_of", lambda method, path: small)
    monkeypatch.setattr(early_answer, "LINGER_SECONDS", 0.2)
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


class Exchange:
    """One request whose body arrives in `parts`, and what was answered."""

    def __init__(self, *parts: bytes, path: str = "/api/x", pause: float = 0.0, **headers: str) -> None:
        self.waiting = list(parts)
        self.pause = pause
        self.sent: list[Any] = []
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": raw}

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(self.pause)
        body = self.waiting.pop(0) if self.waiting else b""
        return {"type": "http.request", "body": body, "more_body": bool(self.waiting)}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def through(self, inner: Any = echo) -> "Exchange":
        asyncio.run(Front(inner)(self.scope, self.receive, self.send))
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent[1:]).decode()


def test_a_small_body_passes(group: RouteGroup) -> None:
    exchange = Exchange(b"12345", b"67890").through()
    assert (exchange.status, exchange.body) == (200, "10")
    assert (group.in_work, group.held_bytes) == (0, 0)


def test_an_announced_length_over_the_limit_is_refused_before_anything_runs(group: RouteGroup) -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the application was called")

    exchange = Exchange(b"x", content_length="11").through(never)
    assert exchange.status == 413
    assert "11 bytes; the limit is 10 (MAX_BYTES)" in exchange.body
    assert exchange.headers[b"connection"] == b"close"


def test_a_body_that_grows_over_the_limit_is_cut_off(group: RouteGroup) -> None:
    exchange = Exchange(b"x" * 6, b"x" * 6).through()
    assert exchange.status == 413
    assert "more than 10 bytes" in exchange.body
    assert group.held_bytes == 0


def test_what_a_refused_sender_still_sends_is_read_away_so_that_it_gets_the_answer(group: RouteGroup) -> None:
    exchange = Exchange(b"x" * 6, b"x" * 6, b"x" * 1000, b"y").through()
    assert exchange.waiting == []
    assert [message.get("more_body") for message in exchange.sent] == [None, True, None]


def test_an_endless_sender_is_not_read_for_ever(group: RouteGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_answer, "LINGER_BYTES", 50)
    exchange = Exchange(*[b"x" * 6] * 100).through()
    assert exchange.status == 413
    assert len(exchange.waiting) > 80


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", ""])
def test_a_length_that_is_no_number_is_refused(group: RouteGroup, length: str) -> None:
    assert Exchange(b"x", content_length=length).through().status == 400


def test_two_different_lengths_are_refused(group: RouteGroup) -> None:
    exchange = Exchange(b"x", content_length="1")
    exchange.scope["headers"].append((b"content-length", b"2"))
    assert exchange.through().status == 400


def test_a_slow_body_is_refused(group: RouteGroup) -> None:
    exchange = Exchange(b"a", b"b", b"c", b"d", pause=0.09).through()
    assert exchange.status == 408
    assert "0.2 seconds (SECONDS)" in exchange.body


def test_no_more_requests_than_places(group: RouteGroup) -> None:
    group.in_work = 2
    exchange = Exchange(b"x").through()
    assert (exchange.status, exchange.headers[b"retry-after"]) == (429, b"1")
    assert "the limit is 2 (PLACES)" in exchange.body


def test_no_more_bytes_are_held_than_the_limit(group: RouteGroup) -> None:
    group.in_work, group.held_bytes = 1, 95
    exchange = Exchange(b"x" * 6).through()
    assert (exchange.status, exchange.headers[b"retry-after"]) == (429, b"1")
    assert "hold 95 bytes and 6 more would pass the limit of 100 (HELD)" in exchange.body
    assert (group.in_work, group.held_bytes) == (1, 95)


def test_a_body_that_is_alone_always_has_room(group: RouteGroup) -> None:
    group.held_limit = 5
    assert Exchange(b"x" * 10).through().status == 200


def test_a_place_is_given_back_after_a_failure(group: RouteGroup) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise RuntimeError("view failed")

    with pytest.raises(RuntimeError):
        Exchange(b"x").through(broken)
    assert (group.in_work, group.held_bytes) == (0, 0)


def test_a_refusal_is_counted_with_its_reason(group: RouteGroup) -> None:
    counter = REFUSED.labels("api", "body_bytes")
    before = counter._value.get()
    Exchange(b"x", content_length="11").through()
    assert counter._value.get() == before + 1


@pytest.mark.parametrize(
    ("path", "content_type", "expected", "body"),
    [
        ("/api/v1/write", "application/x-protobuf", "text/plain; charset=utf-8", "the body has 11 bytes"),
        ("/loki/api/v1/push", "application/json", "text/plain; charset=utf-8", "the body has 11 bytes"),
        ("/v1/logs", "application/json", "application/json", '{"code": 8, "message": "the body has 11 bytes'),
        ("/v1/logs", "application/x-protobuf", "application/x-protobuf", "\x08\x08\x12"),
        ("/api/logs", "", "application/json", '{"error": "the body has 11 bytes'),
        ("/api/v1/query", "", "application/json", '{"status": "error", "errorType": "bad_data", "error": "the body'),
    ],
)
def test_a_refusal_has_the_form_of_its_protocol(
    group: RouteGroup, path: str, content_type: str, expected: str, body: str
) -> None:
    exchange = Exchange(b"x", path=path, content_type=content_type, content_length="11").through()
    assert (exchange.status, exchange.headers[b"content-type"].decode()) == (413, expected)
    assert exchange.body.startswith(body)


def test_remote_write_is_told_to_come_back_with_503_since_prometheus_drops_what_is_answered_429(
    group: RouteGroup,
) -> None:
    group.in_work = 2
    assert Exchange(b"x", path="/api/v1/write").through().status == 503
    assert Exchange(b"x", path="/loki/api/v1/push").through().status == 429


def test_people_are_told_in_plain_text(group: RouteGroup) -> None:
    group.name = "page"
    exchange = Exchange(b"x", path="/login", content_length="11").through()
    assert exchange.headers[b"content-type"] == b"text/plain; charset=utf-8"
    assert exchange.body == "the body has 11 bytes; the limit is 10 (MAX_BYTES)\n"


@pytest.mark.parametrize(
    "path",
    ["//admin", "/a//b", "/./a", "/a/../b", "/a/..", "/x%2fy", "/x%2Fy", "/a%00", "/a%5cb", "/a/%2e%2e/b", "/a;b"],
)
def test_a_path_with_two_meanings_is_refused(group: RouteGroup, path: str) -> None:
    assert Exchange(b"", path=path).through().status == 400


@pytest.mark.parametrize("path", ["/services/a%2Fb", "/api/v1/label/x%2Fy/values", "/a.b/..c"])
def test_names_may_hold_an_escaped_slash_where_names_stand(group: RouteGroup, path: str) -> None:
    assert Exchange(b"", path=path).through().status == 200


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 524_288, 1_000_000])
def test_a_large_answer_goes_out_in_pieces_and_whole(group: RouteGroup, size: int) -> None:
    whole = bytes(range(251)) * (size // 251 + 1)

    async def large(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": whole[:size]})

    sent = Exchange(b"").through(large).sent[1:]
    assert b"".join(message["body"] for message in sent) == whole[:size]
    assert all(len(message["body"]) <= 262_144 for message in sent)
    assert [bool(message.get("more_body")) for message in sent] == [True] * (len(sent) - 1) + [False]


def test_a_client_that_does_not_read_is_let_go(group: RouteGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "WRITE_SECONDS", 0.05)
    exchange = Exchange(b"x")
    arrived = exchange.send

    async def stalled(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(60)
        await arrived(message)

    exchange.send = stalled  # type: ignore[method-assign]
    exchange.through()
    assert [message["type"] for message in exchange.sent] == ["http.response.start"]
    assert group.in_work == 0


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/api/v1/write", "ingest"),
        ("POST", "/prometheus/api/v1/write", "ingest"),
        ("POST", "/v1/logs", "ingest"),
        ("POST", "/otlp/v1/metrics", "ingest"),
        ("POST", "/api/v1/otlp/v1/metrics", "ingest"),
        ("POST", "/loki/api/v1/push", "ingest"),
        ("POST", "/api/logs", "ingest"),
        ("POST", "/api/metrics/backup", "ingest"),
        ("GET", "/api/logs", "api"),
        ("POST", "/api/costs", "upload"),
        ("POST", "/api/v1/query", "api"),
        ("POST", "/login", "page"),
        ("GET", "/", "page"),
    ],
)
def test_each_route_has_its_group(method: str, path: str, name: str) -> None:
    assert group_name(method, path) == name


def test_every_group_names_the_settings_of_its_limits() -> None:
    for group in route_groups().values():
        for setting in (group.bytes_setting, group.concurrent_setting, group.held_setting):
            assert setting.startswith("BELVEDERE_")


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_what_is_not_http_passes(kind: str) -> None:
    seen = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(Front(inner)({"type": kind}, None, None))  # type: ignore[arg-type]
    assert seen == [kind]


def test_errors_of_json_apis_are_json(group: RouteGroup) -> None:
    answer = json.loads(Exchange(b"x", content_length="11").through().body)
    assert answer["errorType"] == "bad_data"
