"""Queries in one change of threads: what is answered is what Django answers, to the byte."""

import asyncio
import re
import threading
from urllib.parse import urlencode

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import Client

from dashboard.runtime.one_hop import OneHop
from fleet.tokens import create_token, forget_cached_tokens
from telemetry.store import TelemetryStore
from tests.dashboard.people import client_with_role
from tests.series import write_series
from tests.telemetry.batches import NOW_MS

pytestmark = pytest.mark.django_db(transaction=True)

RANGE = {"start": NOW_MS / 1000 - 600, "end": NOW_MS / 1000, "step": "15"}
QUERIES = [
    ("GET", "/api/v1/query", {"query": "jobs_total", "time": NOW_MS / 1000}),
    ("POST", "/api/v1/query", {"query": "sum(jobs_total)", "time": NOW_MS / 1000}),
    ("GET", "/prometheus/api/v1/query", {"query": "vector(1)", "time": 1}),
    ("GET", "/api/v1/query_range", {"query": "jobs_total", **RANGE}),
    ("POST", "/prometheus/api/v1/query_range", {"query": "rate(jobs_total[5m])", **RANGE}),
    ("GET", "/api/v1/query_range", {"query": "jobs_total", **RANGE, "step": "0"}),
    ("GET", "/api/v1/query", {"query": "sum(", "time": 1}),
    ("GET", "/api/v1/query", {}),
    ("GET", "/api/v1/query_range", {"query": "jobs_total[5m]", **RANGE}),
    ("GET", "/api/v1/series", {"match[]": "jobs_total"}),
    ("POST", "/api/v1/labels", {}),
]
HEADERS = [
    {},
    {"accept-encoding": "gzip"},
    {"origin": "https://elsewhere.example"},
    {"host": "not.allowed.example"},
    {"x-forwarded-for": "10.1.2.3", "x-forwarded-proto": "https"},
    {"sec-fetch-site": "cross-site"},
    {"hx-request": "true"},
]


@pytest.fixture
def loaded(store: TelemetryStore, settings) -> TelemetryStore:
    settings.RESULT_CACHE_BYTES = 0  # the second of two equal questions would cost less
    samples = [(NOW_MS - 600_000 + 15_000 * at, 7.25 * at) for at in range(41)]
    write_series(store, *[("jobs_total", {"zone": zone}, samples) for zone in "abcdef"])
    return store


def token(*scopes: str) -> dict[str, str]:
    _, text = create_token(name="reader", scopes=scopes, actor="system")
    return {"authorization": f"Bearer {text}"}


def asked(application, method: str, path: str, parameters: dict, headers: dict[str, str]):
    """(status, headers, body) without what differs from one answer to the next: how long it took."""
    form = urlencode(parameters).encode()
    kind = {"content-type": "application/x-www-form-urlencoded"} if method == "POST" else {}
    named = {"host": "127.0.0.1", **kind, "content-length": str(len(form) * (method == "POST")), **headers}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"" if method == "POST" else form,
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "http_version": "1.1",
    }
    sent: list[dict] = []

    async def ask() -> None:
        waiting = asyncio.Event()
        body = [{"type": "http.request", "body": form if method == "POST" else b"", "more_body": False}]

        async def receive():
            if body:
                return body.pop()
            await waiting.wait()
            return None

        async def send(message) -> None:
            sent.append(message)

        await application(scope, receive, send)

    asyncio.run(ask())
    answered = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    for name in ("server-timing", "x-belvedere-query-cost"):
        if name in answered:
            answered[name] = re.sub(r"(dur|seconds)=[0-9.]+", r"\1=", answered[name])
    return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])


async def nobody(scope, receive, send) -> None:
    raise AssertionError("the inner application was asked")


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: next(iter(headers), "plain"))
def test_a_token_gets_what_django_answers(loaded, settings, headers) -> None:
    settings.CORS_ORIGINS = ["https://elsewhere.example"]
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    by_token = {**token("query"), **headers}
    for method, path, parameters in QUERIES:
        ours = asked(OneHop(nobody), method, path, parameters, by_token)
        theirs = asked(ASGIHandler(), method, path, parameters, by_token)
        assert without_random_length(ours) == without_random_length(theirs), (method, path, parameters)


def without_random_length(answer):
    """Django lengthens compressed answers by a random file name, so that their length tells nothing."""
    import gzip

    status, headers, body = answer
    if headers.get("content-encoding") != "gzip":
        return answer
    return status, {**headers, "content-length": ""}, gzip.decompress(body)


def test_who_may_not_ask_is_told_what_django_tells(loaded) -> None:
    for headers in ({}, {"authorization": "Bearer bv_wrong"}, token("ingest:logs")):
        forget_cached_tokens()
        for method, path, parameters in QUERIES[:4]:
            ours = asked(OneHop(nobody), method, path, parameters, headers)
            assert ours[0] in (401, 403)
            assert ours == asked(ASGIHandler(), method, path, parameters, headers)


def test_a_person_gets_what_django_answers(loaded) -> None:
    signed_in: Client = client_with_role("operator")
    cookie = {"cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in signed_in.cookies.items())}
    for method, path, parameters in QUERIES:
        ours = asked(OneHop(nobody), method, path, parameters, cookie)
        assert ours[0] == (403 if method == "POST" else ours[0])
        assert ours == asked(ASGIHandler(), method, path, parameters, cookie)
    assert asked(OneHop(nobody), *QUERIES[0], cookie)[0] == 200


def test_other_addresses_and_methods_are_for_the_inner_application() -> None:
    seen = []

    async def inner(scope, receive, send) -> None:
        seen.append((scope["type"], scope.get("path")))

    application = OneHop(inner)
    for scope in (
        {"type": "websocket", "path": "/api/v1/query"},
        {"type": "http", "method": "OPTIONS", "path": "/api/v1/query"},
        {"type": "http", "method": "GET", "path": "/services"},
    ):
        asyncio.run(application(scope, None, None))
    assert [path for _, path in seen] == ["/api/v1/query", "/api/v1/query", "/services"]


def test_a_client_that_leaves_ends_its_query(loaded, monkeypatch) -> None:
    from dashboard.api.prometheus import query

    begun, seen = threading.Event(), []

    def wait(request, text, ask):
        cancellation = query.cancellation_of(request)
        begun.set()
        told = threading.Event()
        with cancellation.telling(told.set):
            assert told.wait(30)
        seen.append(cancellation.cancelled)
        cancellation.check()

    monkeypatch.setattr(query, "answered", wait)
    headers = [(name.encode(), value.encode()) for name, value in {"host": "127.0.0.1", **token("query")}.items()]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/query",
        "query_string": b"query=1",
        "headers": headers,
    }
    sent = []

    async def ask() -> None:
        body = [{"type": "http.request", "body": b""}]

        async def receive():
            if body:
                return body.pop()
            await asyncio.to_thread(begun.wait, 30)
            return {"type": "http.disconnect"}

        async def send(message) -> None:
            sent.append(message)

        await OneHop(nobody)(scope, receive, send)

    asyncio.run(ask())
    assert seen == [True]
    assert sent == []
