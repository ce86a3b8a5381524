from telemetry.store.conditions import Conditions
from telemetry.store.log_fields import ASKS_TO_PROMOTE, LogFields
from telemetry.store.migrate import run_statement, schema_files
from telemetry.store.queries import LogQuery
from tests.telemetry.batches import NOW_MS, log_batch


def write(store, *bodies, attributes=""):
    rows = [{"stream": (), "t": NOW_MS * 10**6, "body": body, "attributes": attributes} for body in bodies]
    store.write_logs(log_batch(rows)).result(30)


def values(store, fields, source, name):
    conditions = Conditions()
    column = fields.raw(conditions, source, name)
    rows = store.engine.rows(f"SELECT {column} AS v FROM log_records ORDER BY v", conditions.parameters)
    return column, [value for (value,) in rows]


def test_the_status_has_a_column_from_the_start(store):
    write(store, '{"status": 503, "path": "/"}', '{"status": "late"}', "status=500", attributes='{"status":404}')
    fields = LogFields(store.engine)
    assert values(store, fields, "body", "status") == ("`body::status`", [" ", '"late"', "503"])
    assert values(store, fields, "attributes", "status") == ("`attributes::status`", ["404"] * 3)


def test_a_field_that_is_asked_for_often_gets_a_column_that_old_records_have_too(store):
    write(store, '{"tenant": "blue"}', "no json")
    fields = LogFields(store.engine)
    for _ in range(ASKS_TO_PROMOTE - 1):
        before = values(store, fields, "body", "tenant")
    assert before[1] == ["", '"blue"']
    assert "body::tenant" not in before[0]
    assert fields.promote() == []
    values(store, fields, "body", "tenant")
    assert fields.promote() == ["body::tenant"]
    try:
        write(store, '{"tenant": "red"}')
        assert values(store, fields, "body", "tenant") == ("`body::tenant`", ["", '"blue"', '"red"'])
        assert fields.promote() == []
    finally:
        store.engine.command("ALTER TABLE log_records DROP COLUMN `body::tenant`")


def test_a_name_that_cannot_stand_in_a_statement_gets_no_column(store):
    fields = LogFields(store.engine)
    for _ in range(ASKS_TO_PROMOTE):
        fields.raw(Conditions(), "body", "x') --")
    assert fields.promote() == []


def test_records_of_the_old_schema_are_found_after_the_migration(store):

    trace = "0af7651916cd43dd8448eb211c80319c"
    engine = store.engine
    engine.command("ALTER TABLE log_records DROP INDEX words")
    for column in ("words", "`body::status`", "`attributes::status`"):
        engine.command(f"ALTER TABLE log_records DROP COLUMN {column}")
    engine.command(
        "INSERT INTO log_records (service, stream, timestamp, observed_timestamp, body, trace_id, attributes) SELECT "
        "'old', 7, fromUnixTimestamp64Milli({t:Int64}, 'UTC'), now64(9), '{\"status\": 500}', {trace:String}, ''",
        {"t": NOW_MS, "trace": trace},
    )
    for file in schema_files():
        if file.version in (16, 21):
            for statement in file.statements:
                run_statement(engine, statement)
    (found,) = store.search_logs(LogQuery(0, NOW_MS * 10**6, trace_id=trace))
    assert found.body == '{"status": 500}'
    assert engine.rows("SELECT `body::status`, words FROM log_records") == [("500", [trace])]
