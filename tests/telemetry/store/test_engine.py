import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa
import pytest

from telemetry.model.errors import InvalidInput, LimitExceeded, QueryTimeout, StoreBusy, StoreUnavailable
from telemetry.model.time import TimeRange
from telemetry.store import StoreSettings, TelemetryStore, current, set_current
from telemetry.store.engine import Engine, settings_clause
from telemetry.store.engine_errors import TooManyRows, translated
from telemetry.store.housekeeping import release_memory
from tests.conftest import service_of
from tests.environment import DATA
from tests.telemetry.batches import NOW_MS, sample_batch, series
from tests.telemetry.conftest import ROOT

SLOW = "SELECT sum(sipHash64(number)) FROM numbers(100000000000)"


@pytest.mark.parametrize("url", ["", "postgres://x", "/data", "chdb://relative/dir", "http://localhost:8123"])
def test_another_url_is_refused_with_the_forms_that_are_known(url):
    with pytest.raises(InvalidInput, match=r"chdb://DIR|must be absolute"):
        Engine.open(url)


def test_a_server_that_is_not_there_is_unavailable():
    with pytest.raises(StoreUnavailable):
        Engine.open("clickhouse://nobody@127.0.0.1:1/x")


def test_a_wrong_password_is_refused(server_url):
    with pytest.raises(StoreUnavailable, match="Authentication failed"):
        Engine.open(server_url.replace("p%40ss", "wrong"))


def test_a_compressed_wire_carries_the_same(server_url):
    engine = Engine.open(server_url)
    engine._arguments["compress"] = "zstd"
    text = "x" * 100_000
    assert engine.rows("SELECT {text:String}, repeat('y', 100000)", {"text": text}) == [(text, "y" * 100_000)]
    assert engine.arrow("SELECT number FROM numbers(3)")["number"].to_pylist() == [0, 1, 2]
    engine.close()


def test_a_query_is_stopped_at_its_deadline(store):
    settings = {**store._read_settings, "max_execution_time": 0.3}
    with pytest.raises(QueryTimeout, match="BELVEDERE_QUERY_TIMEOUT_SECONDS"):
        store.engine.rows(SLOW, settings=settings)


def test_a_query_that_needs_too_much_memory_is_stopped(store):
    settings = {**store._read_settings, "max_memory_usage": 50_000_000}
    with pytest.raises(LimitExceeded, match="BELVEDERE_QUERY_MEMORY_BYTES"):
        store.engine.rows("SELECT groupArray(number) FROM numbers(100000000)", settings=settings)


def test_a_slow_query_does_not_hold_up_others(store):
    with ThreadPoolExecutor(2) as pool:
        slow = [pool.submit(store.engine.rows, SLOW, None, {"max_execution_time": 3}) for _ in range(2)]
        time.sleep(0.1)
        answers = [store.engine.rows("SELECT {n:UInt8}", {"n": n}) for n in range(5)]
        assert not any(future.done() for future in slow)
        assert answers == [[(n,)] for n in range(5)]
        assert all(isinstance(future.exception(), QueryTimeout) for future in slow)


def test_more_callers_than_connections_wait_their_turn(store):
    with ThreadPoolExecutor(20) as pool:
        answers = pool.map(lambda n: store.engine.rows("SELECT {n:UInt8}, sleep(0.05)", {"n": n}), range(40))
        assert [row[0][0] for row in answers] == list(range(40))


def test_a_failed_insert_stores_nothing_and_the_next_one_works(store):
    bad = pa.table({"metric": ["m"], "series": ["no number"], "timestamp": [0], "value": [1.0]})
    with pytest.raises(StoreUnavailable):
        store.engine.insert("samples", bad)
    assert store.write_samples(sample_batch({series("up"): [(NOW_MS, 1.0)]})).result(30).accepted == 1


def failing_for(store, monkeypatch, table):
    insert = store.engine.insert

    def broken(into, *arguments):
        if into == table:
            raise StoreUnavailable("disk full")
        insert(into, *arguments)

    monkeypatch.setattr(store.engine, "insert", broken)


def test_a_server_that_fails_fails_the_write_and_the_next_one_works(server_store, monkeypatch):
    server_store.clear()
    failing_for(server_store, monkeypatch, "samples")
    with pytest.raises(StoreUnavailable, match="disk full"):
        server_store.write_samples(sample_batch({series("up"): [(NOW_MS, 1.0)]})).result(30)
    monkeypatch.undo()
    assert server_store.write_samples(sample_batch({series("up"): [(NOW_MS, 1.0)]})).result(30).accepted == 1


def test_an_embedded_engine_that_fails_fails_readers_of_tables_and_loses_nothing(open_store, monkeypatch):
    open_store.clear()
    failing_for(open_store, monkeypatch, "samples")
    assert open_store.write_samples(sample_batch({series("up"): [(NOW_MS, 1.0)]})).result(30).accepted == 1
    hour = TimeRange(NOW_MS - 3_600_000, NOW_MS)
    with pytest.raises(StoreUnavailable, match="disk full"):
        open_store.usage()
    assert open_store.read_samples(open_store.select_series([], hour), hour).values.tolist() == [1.0]  # from memory
    monkeypatch.undo()
    open_store.usage()
    assert open_store.read_samples(open_store.select_series([], hour), hour).values.tolist() == [1.0]


def test_a_series_whose_first_write_failed_is_written_with_its_next_sample(store, monkeypatch):
    batch = sample_batch({series("up", job="api"): [(NOW_MS, 1.0)]})

    def broken(*_):
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(store.engine, "insert", broken)
    with pytest.raises(StoreUnavailable):
        store.write_samples(batch).result(30)
    monkeypatch.undo()
    store.write_samples(batch).result(30)
    assert store.services_seen().keys() == {"api"}


def test_a_full_queue_tells_senders_to_come_back(store, monkeypatch):
    held = threading.Event()
    insert = store.engine.insert

    def slow(*arguments):
        held.wait(30)
        insert(*arguments)

    monkeypatch.setattr(store.engine, "insert", slow)
    monkeypatch.setattr(store._samples.queue, "_queue_rows", 5)
    first = store.write_samples(sample_batch({series("up"): [(NOW_MS - i, 1.0) for i in range(4)]}))
    with pytest.raises(StoreBusy, match="BELVEDERE_QUEUE_ROWS"):
        store.write_samples(sample_batch({series("down"): [(NOW_MS - i, 1.0) for i in range(4)]}))
    held.set()
    assert first.result(30).accepted == 4


def test_a_closed_store_says_so(server_url):
    store = TelemetryStore.open(server_url, StoreSettings(fsync=False), resolve_service=service_of)
    future = store.write_samples(sample_batch({series("up"): [(NOW_MS, 1.0)]}))
    store.close()
    assert future.result(0).accepted == 1
    with pytest.raises(StoreUnavailable, match="closed"):
        store.write_samples(sample_batch({series("up"): [(NOW_MS, 1.0)]}))
    with pytest.raises(StoreUnavailable, match="closed"):
        store.usage()


def test_opening_the_same_directory_twice_in_one_process_shares_the_engine(open_store):
    again = Engine.open(f"chdb://{DATA}/telemetry")
    assert again.rows("SELECT 1") == [(1,)]
    again.close()
    assert open_store.engine.rows("SELECT 1") == [(1,)]


def test_the_slot_of_the_process_says_when_it_is_empty(open_store):
    set_current(None)
    with pytest.raises(StoreUnavailable, match="not open in this process"):
        current()
    set_current(open_store)
    assert current() is open_store
    set_current(None)


def test_memory_can_be_given_back_after_large_answers(store):
    store.engine.take_bytes_read()
    found = store.engine.arrow("SELECT number FROM numbers(100000)")
    assert store.engine.take_bytes_read() >= found.nbytes == 800_000
    assert store.engine.take_bytes_read() == 0
    release_memory(store.engine)
    assert found["number"][99_999].as_py() == 99_999


def test_pandas_stays_out_of_the_process():
    code = "import sys, pyarrow, telemetry.store; pyarrow.array(['a']); sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


class DriverError(Exception):
    def __init__(self, code):
        super().__init__(f"Code: {code}. what happened\nstack of the engine")
        self.code = code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (159, QueryTimeout),
        (394, QueryTimeout),
        (241, LimitExceeded),
        (158, TooManyRows),
        (396, TooManyRows),
        (427, InvalidInput),
        (252, StoreUnavailable),
        (None, StoreUnavailable),
    ],
)
def test_codes_of_the_engine_become_errors_of_this_floor(code, expected):
    error = translated(DriverError(code))
    assert type(error) is expected
    assert "what happened" in str(error)
    assert "stack" not in str(error)


def test_settings_are_written_as_literals():
    assert settings_clause({}) == ""
    assert settings_clause({"a": 1, "b": 0.5, "c": "it's"}) == "\nSETTINGS a = 1, b = 0.5, c = 'it\\'s'"


def test_read_limits_come_from_the_settings(server_url):
    settings = replace(StoreSettings(fsync=False), query_timeout_seconds=1.5, query_memory_bytes=10**9)
    store = TelemetryStore.open(server_url, settings, resolve_service=service_of)
    names = ("max_execution_time", "max_memory_usage", "timeout_before_checking_execution_speed")
    sql = "SELECT " + ", ".join(f"toFloat64(getSetting('{name}'))" for name in names)
    assert store.engine.rows(sql, settings=store._read_settings) == [(1.5, 1e9, 0)]
    store.close()
