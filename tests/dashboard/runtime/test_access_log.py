import asyncio
from typing import Any

import pytest

from dashboard.logging_setup import current_request_id
from dashboard.runtime.access_log import REQUESTS, AccessLog, handler_of


async def answering(scope: Any, receive: Any, send: Any) -> None:
    status = int(scope["path"].rpartition("/")[2]) if scope["path"].rpartition("/")[2].isdigit() else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"a", current_request_id().encode())]})
    await send({"type": "http.response.body", "body": b"x"})


def ask(path: str, method: str = "GET", application: Any = answering) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "method": method, "client": ("192.0.2.7", 5), "query_string": b"q=secret"}
    asyncio.run(AccessLog(application)(scope, None, send))  # type: ignore[arg-type]
    return sent


def test_every_answer_carries_the_request_id_that_its_events_carry() -> None:
    head, _ = ask("/")
    headers = dict(head["headers"])
    assert len(headers[b"x-request-id"]) == 16
    assert headers[b"a"] == headers[b"x-request-id"]
    assert ask("/")[0]["headers"] != head["headers"]
    assert current_request_id() == ""


def test_a_request_is_one_event_without_its_query(events: list[Any]) -> None:
    ask("/services/shop", "GET")
    (event,) = events
    assert event["log_level"] == "info"
    assert (event["method"], event["path"], event["status"], event["client"]) == (
        "GET",
        "/services/shop",
        200,
        "192.0.2.7",
    )
    assert "secret" not in str(event)


@pytest.mark.parametrize(
    ("path", "level"),
    [("/static/a.css", "debug"), ("/metrics", "debug"), ("/api/v1/query", "info"), ("/services/500", "warning")],
)
def test_what_comes_by_the_thousand_is_quiet_and_faults_are_not(events: list[Any], path: str, level: str) -> None:
    ask(path)
    assert events[0]["log_level"] == level


def test_pushed_requests_are_quiet_unless_they_fail(events: list[Any]) -> None:
    ask("/api/v1/write", "POST")
    assert events[0]["log_level"] == "debug"


def test_requests_are_counted_by_handler_method_and_status() -> None:
    counter = REQUESTS.labels("page", "OTHER", "404")
    before = counter._value.get()
    ask("/nowhere/404", "BREW")
    assert counter._value.get() == before + 1


def test_a_request_that_is_not_answered_counts_as_given_up(events: list[Any]) -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        ask("/", application=failing)
    assert events[0]["status"] == 0


@pytest.mark.parametrize(
    ("method", "path", "handler"),
    [
        ("GET", "/", "page"),
        ("GET", "/healthz", "health"),
        ("GET", "/metrics", "metrics"),
        ("GET", "/metrics-explorer", "page"),
        ("GET", "/static/js/a.js", "static"),
        ("POST", "/v1/logs", "ingest"),
        ("POST", "/api/v1/write", "ingest"),
        ("GET", "/api/v1/labels", "query"),
        ("POST", "/prometheus/api/v1/query", "query"),
        ("GET", "/api/services", "api"),
        ("GET", "/admin/fleet/", "admin"),
    ],
)
def test_handlers_are_a_fixed_set(method: str, path: str, handler: str) -> None:
    assert handler_of(method, path) == handler
