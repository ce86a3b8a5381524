import subprocess
import sys
import textwrap

import pytest

from telemetry.model.errors import StoreBusy, StoreUnavailable
from telemetry.store import LogQuery, StoreSettings
from telemetry.store import log_buffer as module
from telemetry.store.journal import Journal
from telemetry.store.log_buffer import LogBuffer, packed, replay_logs, unpacked
from telemetry.store.store import LOG_JOURNAL
from tests.telemetry.batches import NOW_MS, log_batch
from tests.telemetry.conftest import ROOT

NOW = NOW_MS * 10**6
PATIENT = StoreSettings(fsync=False, log_insert_seconds=3600, group_commit_ms=0)


def record(body, t=NOW):
    return {"stream": (("service", "api"),), "t": t, "body": body}


def columns(store, monkeypatch, *bodies):
    """The table that the writer hands to the journal for these bodies."""
    taken = []
    monkeypatch.setattr(store._logs, "_sink", type("Sink", (), {"add": lambda _self, table: taken.append(table)})())
    store.write_logs(log_batch([record(body) for body in bodies])).result(30)
    return taken[0]


def test_records_are_the_same_after_packing(open_store, monkeypatch):
    table = columns(open_store, monkeypatch, "é \x00", "b" * 1000)
    assert unpacked(packed(table)).equals(table)


def test_a_reader_sees_what_was_acknowledged_although_the_engine_had_it_not(open_store):
    open_store.clear()
    for number in range(3):
        open_store.write_logs(log_batch([record(f"line {number}", NOW + number)])).result(30)
        assert len(open_store.search_logs(LogQuery(0, NOW + 10))) == number + 1


@pytest.fixture
def buffer(open_store, tmp_path):
    open_store.clear()
    directory = tmp_path / "journal"
    buffer = LogBuffer(open_store.engine, Journal(directory, fsync=False), PATIENT)
    yield buffer, directory
    buffer.close()


def count(store):
    return store.engine.rows("SELECT count() FROM log_records")[0][0]


def test_what_was_inserted_before_a_kill_is_not_stored_twice(open_store, buffer, monkeypatch):
    table = columns(open_store, monkeypatch, "a", "b")
    log_buffer, directory = buffer
    log_buffer.add(table)
    copies = {path.name: path.read_bytes() for path in directory.iterdir()}
    log_buffer.settle()
    assert count(open_store) == 2
    assert list(directory.iterdir()) == []
    for name, content in copies.items():  # as if the process had died between the insert and the end of the file
        (directory / name).write_bytes(content)
    assert replay_logs(open_store.engine, directory) == 2
    assert count(open_store) == 2
    assert list(directory.iterdir()) == []


def test_a_cut_record_at_the_end_was_never_acknowledged(open_store, buffer, monkeypatch):
    table = columns(open_store, monkeypatch, "whole")
    journal = Journal(buffer[1] / "other", fsync=False)
    journal.append_body(packed(table))
    segment = journal.append_body(packed(table))
    (ended,) = journal.cut()
    ended.release()
    segment.path.write_bytes(segment.path.read_bytes()[:-5])
    assert replay_logs(open_store.engine, buffer[1] / "other") == 1


def test_equal_groups_are_different_records(open_store, buffer, monkeypatch):
    table = columns(open_store, monkeypatch, "again")
    for _ in range(2):
        buffer[0].add(table)
        buffer[0].settle()
    assert count(open_store) == 2


def test_records_wait_in_the_journal_while_the_engine_takes_none(open_store, buffer, monkeypatch):
    log_buffer, directory = buffer
    table = columns(open_store, monkeypatch, "kept")
    inserts = module._insert

    def refuse(*_arguments):
        raise StoreUnavailable("the engine is away")

    monkeypatch.setattr(module, "_insert", refuse)
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.01)
    log_buffer.add(table)
    with pytest.raises(StoreUnavailable, match="the engine is away"):
        log_buffer.settle()
    log_buffer._most_rows = 1
    with pytest.raises(StoreBusy, match="would pass the limit of 1"):
        log_buffer.add(table)
    assert list(directory.iterdir())
    monkeypatch.setattr(module, "_insert", inserts)
    while log_buffer._error:
        log_buffer._thread.join(0.01)
    log_buffer.settle()
    assert count(open_store) == 1


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path):
    script = textwrap.dedent("""
        import os, signal, sys
        from telemetry.store import StoreSettings, TelemetryStore
        from tests.conftest import service_of
        from tests.conftest import service_of
        from tests.telemetry.batches import NOW_MS, log_batch
        settings = StoreSettings(log_insert_seconds=3600)
        store = TelemetryStore.open(sys.argv[1], settings, resolve_service=service_of)
        for number in range(50):
            records = [{"stream": (("service", "api"),), "t": NOW_MS * 10**6, "body": f"line {number}"}]
            store.write_logs(log_batch(records)).result(30)
            if number == 20:
                store.engine.rows("SELECT count() FROM log_records")
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    url = f"chdb://{tmp_path}/data"
    killed = subprocess.run([sys.executable, "-c", script, url], cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert list((tmp_path / "data" / LOG_JOURNAL).iterdir())
    check = textwrap.dedent("""
        import sys
        from telemetry.store import StoreSettings, TelemetryStore
        from tests.conftest import service_of
        from tests.conftest import service_of
        store = TelemetryStore.open(sys.argv[1], StoreSettings(), resolve_service=service_of)
        print(store.engine.rows("SELECT count(), uniqExact(body) FROM log_records"))
        store.close()
    """)
    found = subprocess.run([sys.executable, "-c", check, url], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout.strip() == "[(50, 50)]", found.stderr
