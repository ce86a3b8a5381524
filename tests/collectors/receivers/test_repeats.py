"""A log push that is sent again is stored once, if it can only be the same records."""

import json

import pytest

from collectors.receivers.app import ReceiverApp
from collectors.receivers.counters import REPEATED
from collectors.receivers.message import Reply
from collectors.receivers.repeats import Repeats
from telemetry.store import TelemetryStore
from tests.collectors.receivers.pushes import NOW_MS, Sender, new_token, stored_logs

pytestmark = pytest.mark.django_db(transaction=True)
FINE_NS = NOW_MS * 10**6 + 123_456


def loki(line: str, time_ns: int = FINE_NS) -> bytes:
    return json.dumps({"streams": [{"stream": {"app": "a"}, "values": [[str(time_ns), line]]}]}).encode()


@pytest.fixture
def sender(store: TelemetryStore) -> Sender:
    return Sender(ReceiverApp(None), new_token("ingest:logs"))


def count(store: TelemetryStore) -> int:
    store.flush()
    return len(stored_logs(store))


def test_the_same_push_is_acknowledged_again_and_stored_once(sender: Sender, store: TelemetryStore) -> None:
    before = REPEATED.labels("loki")._value.get()
    first, second = (sender.push("/loki/api/v1/push", loki("x"), content_type="application/json") for _ in range(2))
    assert (first.status, second.status) == (204, 204)
    assert count(store) == 1
    assert REPEATED.labels("loki")._value.get() - before == 1
    sender.push("/loki/api/v1/push", loki("y"), content_type="application/json")
    other = Sender(sender.app, new_token("ingest:logs", service="b"))
    other.push("/loki/api/v1/push", loki("x"), content_type="application/json")
    assert count(store) == 3


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/logs", b'{"event":"no time"}'),
        ("/loki/api/v1/push", loki("whole second", NOW_MS // 1000 * 10**9)),
    ],
)
def test_records_that_may_be_others_are_stored_each_time(
    sender: Sender, store: TelemetryStore, path: str, body: bytes
) -> None:
    for _ in range(2):
        sender.push(path, body, content_type="application/json")
    assert count(store) == 2


def test_answers_are_forgotten_after_the_window_and_beyond_the_bytes() -> None:
    now = [0.0]
    repeats = Repeats(10, 1000, lambda: now[0])
    repeats.remember(b"a", Reply(204))
    now[0] = 5
    repeats.remember(b"b", Reply(204))
    assert repeats.reply_to(b"a") == Reply(204)
    now[0] = 10
    assert repeats.reply_to(b"a") is None
    assert repeats.reply_to(b"b") == Reply(204)
    for name in (b"c", b"d", b"e"):
        repeats.remember(name, Reply(204))
    assert repeats.reply_to(b"b") is None
    assert repeats.reply_to(b"e") == Reply(204)
