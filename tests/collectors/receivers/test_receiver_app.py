"""Who may push, what an unreadable push is told, and that 2xx means stored: the same for every protocol."""

import json
from concurrent.futures import Future
from typing import Any

import cramjam
import pytest
from django.db import OperationalError

from collectors.receivers import app as receiver_app
from collectors.receivers.app import ReceiverApp
from collectors.receivers.counters import ITEMS, REFUSED
from collectors.receivers.limits import decode_limits
from telemetry.model.errors import StoreBusy, StoreUnavailable
from telemetry.model.samples import WriteReceipt
from telemetry.store import TelemetryStore, set_current
from tests.collectors.receivers.pushes import NOW_MS, Sender, new_token, stored_logs, stored_samples
from tests.collectors.wire.encoders import push_request, write_request

pytestmark = pytest.mark.django_db(transaction=True)

SNAPPY = "application/x-protobuf"
UP = write_request(({"__name__": "up", "job": "node"}, [(NOW_MS, 1.0)]))


def snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data))


def otlp_log(body: str = "hello", time_ns: int = NOW_MS * 10**6) -> bytes:
    record = {"timeUnixNano": str(time_ns), "body": {"stringValue": body}}
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()


GOOD: dict[str, tuple[str, bytes, dict[str, str], int]] = {
    "/api/v1/write": ("ingest:metrics", snappy(UP), {"content_type": SNAPPY, "content_encoding": "snappy"}, 204),
    "/v1/logs": ("ingest:logs", otlp_log(), {"content_type": "application/json"}, 200),
    "/v1/metrics": ("ingest:metrics", b"{}", {"content_type": "application/json"}, 200),
    "/loki/api/v1/push": (
        "ingest:logs", snappy(push_request(('{app="a"}', [(NOW_MS * 10**6, "x", {})]))), {"content_type": SNAPPY}, 204,
    ),
    "/api/logs": ("ingest:logs", b'{"event":"x"}', {"content_type": "application/x-ndjson"}, 200),
    "/api/metrics/backup": ("ingest:metrics", b"done 1\n", {"content_type": "text/plain"}, 204),
    "/api/deployments": (
        "ingest:deploys", b'{"service":"a","version":"1"}', {"content_type": "application/json"}, 201,
    ),
    "/api/audits?service=a": (
        "ingest:audits", b'{"dependencies":[{"name":"a","version":"1","vulns":[]}]}',
        {"content_type": "application/json"}, 201,
    ),
}  # fmt: skip
ALIASES = {
    "/prometheus/api/v1/write": "/api/v1/write", "/otlp/v1/logs": "/v1/logs", "/otlp/v1/metrics": "/v1/metrics",
    "/api/v1/otlp/v1/metrics": "/v1/metrics",
}  # fmt: skip
PATHS = [*GOOD, *ALIASES]


def good(path: str) -> tuple[str, bytes, dict[str, str], int]:
    return GOOD[ALIASES.get(path, path)]


async def django(scope: Any, receive: Any, send: Any) -> None:
    """Stands in for what is behind the receivers."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"django"})


@pytest.fixture
def application() -> ReceiverApp:
    return ReceiverApp(django)


def sender_for(application: ReceiverApp, path: str, **options: Any) -> Sender:
    return Sender(application, new_token(good(path)[0], **options))


@pytest.mark.parametrize("path", PATHS)
def test_a_good_push_is_answered_as_its_protocol_says(
    application: ReceiverApp, store: TelemetryStore, path: str
) -> None:
    _, body, headers, status = good(path)
    answer = sender_for(application, path).push(path, body, **headers)
    assert (answer.status, answer.headers["x-content-type-options"]) == (status, "nosniff"), answer.text


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_without_a_token(application: ReceiverApp, path: str) -> None:
    scope, body, headers, _ = good(path)
    for authorization, said in (("", "no API token"), ("Bearer bv_xxxxxxxx_yyy", "unknown, expired or revoked")):
        answer = Sender(application, authorization).push(path, body, **headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="Belvedere", Basic realm="Belvedere"'
        assert answer.headers["connection"] == "close"
        assert said in answer.text
        assert scope in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_a_token_without_the_scope_is_told_which_one_is_missing(application: ReceiverApp, path: str) -> None:
    scope, body, headers, _ = good(path)
    answer = Sender(application, new_token("query")).push(path, body, **headers)
    assert answer.status == 403
    assert "has the scopes query" in answer.text
    assert f"{scope} is needed" in answer.text


def test_a_token_may_come_as_the_password_of_basic(application: ReceiverApp, store: TelemetryStore) -> None:
    import base64

    token = new_token("ingest:metrics").removeprefix("Bearer ")
    basic = base64.b64encode(f"anyone:{token}".encode()).decode()
    assert Sender(application, f"Basic {basic}").push("/api/v1/write", snappy(UP)).status == 204


@pytest.mark.parametrize("path", [path for path in PATHS if not path.startswith("/api/") or "v1" in path])
def test_other_methods_are_refused_naming_the_one_that_works(application: ReceiverApp, path: str) -> None:
    for method in ("GET", "PUT", "HEAD"):
        answer = Sender(application).push(path, method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/api/deployments", "/api/audits", "/api/logs", "/api/metrics/backup"])
def test_other_methods_of_own_apis_belong_to_django(application: ReceiverApp, path: str) -> None:
    expected = 405 if path.startswith("/api/metrics/") else 299
    assert Sender(application).push(path, method="GET").status == expected


@pytest.mark.parametrize("path", ["/", "/api/v1/query", "/api/metrics/", "/v1/traces", "/api/logsx"])
def test_what_is_no_receiver_goes_on(application: ReceiverApp, path: str) -> None:
    assert Sender(application).push(path).text == "django"


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_content_type_is_415(application: ReceiverApp, store: TelemetryStore, path: str) -> None:
    answer = sender_for(application, path).push(path, good(path)[1], content_type="application/xml")
    assert answer.status == 415
    assert "application/xml" in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_content_encoding_is_415(application: ReceiverApp, store: TelemetryStore, path: str) -> None:
    if path == "/loki/api/v1/push":
        pytest.skip("its protobuf is snappy whatever the header says")
    _, body, headers, _ = good(path)
    answer = sender_for(application, path).push(path, body, **{**headers, "content_encoding": "br"})
    assert answer.status == 415
    assert "'br'" in answer.text


BROKEN = [
    ("/api/v1/write", b"\xff\xff\xff", {}, "snappy"),
    ("/api/v1/write", snappy(b"\x0a\x7f"), {}, "broken protobuf"),
    ("/api/v1/write", UP, {}, "snappy"),
    ("/v1/logs", b"\x0a\x7f", {"content_type": SNAPPY}, "broken protobuf"),
    ("/v1/logs", b"{", {"content_type": "application/json"}, "not JSON"),
    ("/v1/logs", b"\x1f\x8bxx", {"content_type": SNAPPY, "content_encoding": "gzip"}, "broken gzip"),
    ("/v1/metrics", b"\x0a\x7f", {"content_type": SNAPPY}, "broken protobuf"),
    ("/v1/metrics", b"[]", {"content_type": "application/json"}, "not an object"),
    ("/v1/metrics", b"xx", {"content_type": SNAPPY, "content_encoding": "zstd"}, "broken zstd"),
    ("/loki/api/v1/push", b"{}", {"content_type": "application/json"}, "`streams`"),
    ("/loki/api/v1/push", b"\xff", {"content_type": SNAPPY}, "snappy"),
    ("/api/logs", b"plain text", {}, "line 1"),
    ("/api/metrics/backup", b"fine 1\nnot fine", {}, "line 2"),
    ("/api/deployments", b'{"service":"a"}', {}, "version is missing"),
    ("/api/deployments", b'{"version":"1"}', {}, "service"),
    ("/api/deployments", b"[" * 100 + b"]" * 100, {}, "64 levels"),
    ("/api/audits?service=a", b'{"components":[]}', {}, "dependencies"),
    ("/api/audits", b'{"dependencies":[]}', {}, "service is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "headers", "said"), BROKEN)
def test_what_cannot_be_read_is_400_with_a_reason(
    application: ReceiverApp, store: TelemetryStore, path: str, body: bytes, headers: dict[str, str], said: str
) -> None:
    sender = Sender(application, new_token("ingest:metrics", "ingest:logs", "ingest:deploys", "ingest:audits"))
    answer = sender.push(path, body, **headers)
    assert answer.status == 400, answer.text
    assert said in answer.text


def test_a_body_that_grows_over_the_limit_when_unpacked_is_413(application: ReceiverApp, store: TelemetryStore) -> None:
    limit = decode_limits().max_decoded_bytes
    claim = bytearray()
    size = limit + 1
    while size > 127:
        claim.append(size & 127 | 128)
        size >>= 7
    answer = sender_for(application, "/api/v1/write").push("/api/v1/write", bytes([*claim, size]) + b"\xfe\x01\x00" * 9)
    assert answer.status == 413
    assert f"{limit + 1:,} bytes" in answer.text
    assert f"{limit:,} (BELVEDERE_MAX_DECODED_BYTES)" in answer.text


def test_remote_write_1_is_never_taken_for_2_nor_any_other_version(
    application: ReceiverApp, store: TelemetryStore
) -> None:
    kind = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
    answer = sender_for(application, "/api/v1/write").push("/api/v1/write", snappy(UP), content_type=kind)
    assert answer.status == 400
    assert "1.0 message under the content type of 2.0" in answer.text
    kind = "application/x-protobuf;proto=io.prometheus.write.v3.Request"
    answer = sender_for(application, "/api/v1/write").push("/api/v1/write", snappy(UP), content_type=kind)
    assert answer.status == 415
    assert "prometheus.WriteRequest" in answer.text
    one = "application/x-protobuf;proto=prometheus.WriteRequest"
    assert sender_for(application, "/api/v1/write").push("/api/v1/write", snappy(UP), content_type=one).status == 204


class FailingStore:
    """A store whose writes fail, at once or at the commit."""

    def __init__(self, error: Exception, *, late: bool) -> None:
        self.error, self.late = error, late

    def write_samples(self, *_: Any, **__: Any) -> "Future[WriteReceipt]":
        if not self.late:
            raise self.error
        future: Future[WriteReceipt] = Future()
        future.set_exception(self.error)
        return future

    write_logs = write_samples


TELEMETRY = ["/api/v1/write", "/v1/logs", "/v1/metrics", "/loki/api/v1/push", "/api/logs", "/api/metrics/backup"]


@pytest.mark.parametrize("path", TELEMETRY)
def test_a_full_queue_is_told_so_that_the_sender_comes_back(application: ReceiverApp, path: str) -> None:
    set_current(FailingStore(StoreBusy("9 rows wait", retry_after_seconds=7), late=False))  # type: ignore[arg-type]
    _, body, headers, _ = good(path)
    answer = sender_for(application, path).push(path, body, **headers)
    set_current(None)
    assert answer.status == (503 if path == "/api/v1/write" else 429)
    assert (answer.headers["retry-after"], "9 rows wait" in answer.text) == ("7", True)


@pytest.mark.parametrize("path", TELEMETRY)
@pytest.mark.parametrize("late", [False, True])
def test_what_was_not_committed_is_never_answered_with_success(application: ReceiverApp, path: str, late: bool) -> None:
    set_current(FailingStore(StoreUnavailable("disk full"), late=late))  # type: ignore[arg-type]
    _, body, headers, _ = good(path)
    answer = sender_for(application, path).push(path, body, **headers)
    set_current(None)
    assert (answer.status, "disk full" in answer.text, "retry-after" in answer.headers) == (503, True, True)


@pytest.mark.parametrize("path", TELEMETRY)
def test_an_unexpected_failure_is_500_and_tells_nothing_of_the_inside(application: ReceiverApp, path: str) -> None:
    set_current(FailingStore(RuntimeError("secret path"), late=True))  # type: ignore[arg-type]
    _, body, headers, _ = good(path)
    answer = sender_for(application, path).push(path, body, **headers)
    set_current(None)
    assert answer.status == 500
    assert "secret" not in answer.text


def test_without_an_open_store_the_sender_is_told_to_come_back(application: ReceiverApp) -> None:
    answer = sender_for(application, "/api/v1/write").push("/api/v1/write", snappy(UP))
    assert answer.status == 503


def test_a_relational_database_that_is_away_is_503(application: ReceiverApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(header: str | None) -> None:
        raise OperationalError("password=secret")

    monkeypatch.setattr(receiver_app, "authenticate", away)
    answer = Sender(application, "Bearer x").push("/api/v1/write", snappy(UP))
    assert answer.status == 503
    assert "secret" not in answer.text


def test_a_sender_that_leaves_before_the_end_of_its_body_stores_nothing(
    application: ReceiverApp, store: TelemetryStore
) -> None:
    parts = [
        {"type": "http.request", "body": b'{"event":"whole"}\n{"event":"ha', "more_body": True},
        {"type": "http.disconnect"},
    ]
    answer = sender_for(application, "/api/logs").push("/api/logs", parts=parts)
    assert (answer.status, stored_logs(store)) == (0, [])


def test_a_body_may_arrive_in_parts(application: ReceiverApp, store: TelemetryStore) -> None:
    body = snappy(UP)
    parts = [
        {"type": "http.request", "body": body[i : i + 1], "more_body": i + 1 < len(body)} for i in range(len(body))
    ]
    assert sender_for(application, "/api/v1/write").push("/api/v1/write", parts=parts).status == 204
    assert stored_samples(store, "up") == [({"__name__": "up", "job": "node"}, "node", NOW_MS, 1.0)]


@pytest.mark.parametrize("path", TELEMETRY)
def test_everything_sent_with_a_bound_token_belongs_to_its_service(
    application: ReceiverApp, store: TelemetryStore, path: str
) -> None:
    _, body, headers, _ = good(path)
    sender_for(application, path, service="bound").push(path, body, **headers)
    found = {row[1] for metric in ("up", "done") for row in stored_samples(store, metric)}
    assert found | {record.service for record in stored_logs(store)} == ({"bound"} if body != b"{}" else set())


def test_what_is_stored_and_refused_is_counted_by_protocol(application: ReceiverApp, store: TelemetryStore) -> None:
    def count() -> tuple[float, ...]:
        return (
            ITEMS.labels("remote_write")._value.get(),
            REFUSED.labels("remote_write", "invalid")._value.get(),
            REFUSED.labels("remote_write", "unauthorized")._value.get(),
        )

    before = count()
    sender = sender_for(application, "/api/v1/write")
    sender.push("/api/v1/write", snappy(UP))
    sender.push("/api/v1/write", b"\xff")
    Sender(application).push("/api/v1/write", snappy(UP))
    assert [after - earlier for after, earlier in zip(count(), before, strict=True)] == [1, 1, 1]
