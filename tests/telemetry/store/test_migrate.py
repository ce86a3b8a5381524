import pytest

from telemetry.model.errors import StoreUnavailable
from telemetry.store import migrate as module
from telemetry.store.migrate import migrate, run_statement, schema_files
from telemetry.store.settings import StoreSettings


def definition(store, table):
    sql = "SELECT engine_full FROM system.tables WHERE database = {d:String} AND name = {t:String}"
    ((found,),) = store.engine.rows(sql, {"d": store.engine.database, "t": table})
    return found


@pytest.fixture
def scratch(store, monkeypatch):
    """A store whose settings and schema are put back after the test."""
    yield store
    monkeypatch.undo()
    store.engine.command("ALTER TABLE schema_versions DELETE WHERE version > 90", settings={"mutations_sync": 2})
    migrate(store.engine, store.settings)


def test_schema_files_have_numbers_of_their_own():
    numbers = [file.version for file in schema_files()]
    assert len(set(numbers)) == len(numbers)
    assert all(file.statements for file in schema_files())


def test_every_statement_may_run_twice(scratch):
    before = {table: definition(scratch, table) for table in ("samples", "series", "log_records")}
    for file in schema_files():
        for statement in file.statements:
            run_statement(scratch.engine, statement)
    assert {table: definition(scratch, table) for table in before} == before


def test_applied_files_are_recorded_and_not_applied_again(scratch):
    migrate(scratch.engine, scratch.settings)
    versions = scratch.engine.rows("SELECT version, count() FROM schema_versions GROUP BY version ORDER BY version")
    assert versions == [(file.version, 1) for file in schema_files()]


def test_a_file_that_was_cut_off_is_run_again(scratch, monkeypatch):
    first = "CREATE TABLE IF NOT EXISTS cut_off (a UInt8) ENGINE = MergeTree ORDER BY a"
    second = "ALTER TABLE cut_off ADD COLUMN IF NOT EXISTS b UInt8"
    known = schema_files()
    broken = module.SchemaFile(91, "0091_cut_off.sql", (first, "SELECT throwIf(1)"))
    monkeypatch.setattr(module, "schema_files", lambda: [*known, broken])
    with pytest.raises(StoreUnavailable):
        migrate(scratch.engine, scratch.settings)
    assert scratch.engine.rows("SELECT count() FROM schema_versions WHERE version = 91") == [(0,)]
    mended = module.SchemaFile(91, "0091_cut_off.sql", (first, second))
    monkeypatch.setattr(module, "schema_files", lambda: [*known, mended])
    migrate(scratch.engine, scratch.settings)
    assert scratch.engine.rows("SELECT count() FROM schema_versions WHERE version = 91") == [(1,)]
    scratch.engine.command("DROP TABLE cut_off")


def test_data_of_a_newer_version_is_refused(scratch):
    scratch.engine.command("INSERT INTO schema_versions (version, name) VALUES (99, 'future')")
    with pytest.raises(StoreUnavailable, match=r"schema 99, this version knows up to .* start that one"):
        migrate(scratch.engine, scratch.settings)


def test_retention_follows_the_settings(scratch):
    migrate(scratch.engine, StoreSettings(fsync=False, sample_retention_days=7, log_retention_days=3))
    assert "TTL toDateTime(timestamp) + toIntervalDay(7)" in definition(scratch, "samples")
    assert "TTL toDateTime(last_seen) + toIntervalDay(7)" in definition(scratch, "series")
    assert "TTL toDateTime(timestamp) + toIntervalDay(3)" in definition(scratch, "log_records")
    assert "TTL toDateTime(last_seen) + toIntervalDay(3)" in definition(scratch, "log_streams")
    migrate(scratch.engine, StoreSettings(fsync=False, sample_retention_days=70, log_retention_days=30))
    assert "toIntervalDay(70)" in definition(scratch, "samples")
