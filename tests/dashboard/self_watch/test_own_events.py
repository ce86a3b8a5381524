import json
import logging
import time
from collections.abc import Iterator

import pytest

from dashboard.self_watch.log_shipping import LogShippingPart
from dashboard.self_watch.own_events import DROPPED, MAX_PER_SECOND, MAX_WAITING, EventQueue, batch_of
from telemetry.store import LogQuery, TelemetryStore, set_current
from tests.dashboard.runtime.parts import Clock

EVENTS = [
    (1_000, json.dumps({"timestamp": "t", "level": "warning", "event": "slow", "path": "/x", "n": 3})),
    (2_000, json.dumps({"timestamp": "t", "level": "info", "event": "request"})),
]


def record(name: str, message: str = "it happened") -> logging.LogRecord:
    return logging.LogRecord(name, logging.INFO, __file__, 1, message, None, None)


def dropped(reason: str) -> float:
    return float(DROPPED.labels(reason)._value.get())


def test_an_event_becomes_a_log_record_with_its_severity_and_attributes() -> None:
    batch = batch_of(EVENTS, "belvedere")
    assert list(batch.bodies) == ["slow", "request"]
    assert batch.timestamps_ns.tolist() == [1_000, 2_000]
    assert batch.severity_numbers.tolist() == [13, 9]
    assert json.loads(batch.attributes[0]) == {"path": "/x", "n": 3}
    assert dict(batch.streams[0])["service_name"] == "belvedere"


def test_the_queue_gives_events_back_in_order_and_once() -> None:
    queue = EventQueue()
    queue.handle(record("a", "first"))
    queue.handle(record("a", "second"))
    assert [json.loads(text)["event"] for _, text in queue.take()] == ["first", "second"]
    assert queue.take() == []


@pytest.mark.parametrize("logger", ["telemetry.store.writer", "clickhouse_connect.driver", "telemetry"])
def test_events_of_the_write_path_are_left_out(logger: str) -> None:
    queue = EventQueue()
    queue.handle(record(logger))
    assert queue.take() == []


def test_a_burst_is_limited_and_what_is_dropped_is_counted() -> None:
    clock = Clock()
    queue, before = EventQueue(clock), dropped("rate")
    for _ in range(MAX_PER_SECOND + 50):
        queue.handle(record("a"))
    assert len(queue.take()) == MAX_PER_SECOND
    assert dropped("rate") == before + 50
    clock.now += 0.5
    for _ in range(MAX_PER_SECOND):
        queue.handle(record("a"))
    assert len(queue.take()) == MAX_PER_SECOND // 2


def test_events_that_nobody_takes_do_not_fill_the_memory() -> None:
    clock = Clock()
    queue, before = EventQueue(clock), dropped("queue")
    for _ in range(MAX_WAITING + 10):
        clock.now += 1
        queue.handle(record("a"))
    assert len(queue.take()) == MAX_WAITING
    assert dropped("queue") == before + 10


@pytest.fixture
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    yield
    root.setLevel(level)


@pytest.mark.usefixtures("_root_logger")
def test_own_events_are_found_in_the_own_store(store: TelemetryStore) -> None:
    part = LogShippingPart()
    part.start()
    logging.getLogger("belvedere.test").warning("the lamp is lit", extra={"lamp": "north"})
    assert part.stop(10)
    logging.getLogger("belvedere.test").warning("after the end")
    query = LogQuery(start_ns=0, end_ns=time.time_ns(), services=("belvedere",), text="lamp")
    (found,) = store.search_logs(query)
    assert found.body == "the lamp is lit"
    assert found.attributes["lamp"] == "north"
    assert found.severity_number == 13


def test_events_are_dropped_and_counted_while_there_is_no_store() -> None:
    set_current(None)
    part = LogShippingPart()
    part._queue.handle(record("a"))
    before = dropped("store")
    assert part.flush() == 0
    assert dropped("store") == before + 1
