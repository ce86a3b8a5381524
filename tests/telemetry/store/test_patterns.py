"""Patterns and errors through the store: counted as lines are committed, found again, forgotten with their service."""

import json

from telemetry.model.labels import labels_from
from telemetry.store.pattern_reader import families
from tests.telemetry.batches import NOW_MS, log_batch
from tests.telemetry.store.test_restart import reopened

MINUTE_MS = 60_000
API = labels_from({"service": "api"})
DB = labels_from({"service": "db"})


def write(store, *lines, stream=API, at_ms=NOW_MS, severity=9):
    records = [
        {"stream": stream, "t": at_ms * 10**6 + place, "severity": severity, "body": line}
        for place, line in enumerate(lines)
    ]
    store.write_logs(log_batch(records)).result(30)


def templates(store, *services):
    return {pattern.template for pattern in store.log_patterns(services)}


def test_lines_are_counted_by_pattern_and_minute(store):
    write(store, "order 1 placed", "order 2 placed", "user ada left", at_ms=NOW_MS - MINUTE_MS)
    write(store, "order 3 placed")
    series = store.log_pattern_series(store.log_patterns(["api"]), NOW_MS - MINUTE_MS, NOW_MS, MINUTE_MS)
    assert [(one.pattern.template, one.counts.tolist()) for one in series] == [
        ("order <*> placed", [2, 1]),
        ("user ada left", [1, 0]),
    ]


def test_first_and_last_line_are_known_to_the_millisecond(store):
    write(store, "order 1 placed", at_ms=NOW_MS - 5_001)
    write(store, "order 2 placed", at_ms=NOW_MS - 7)
    [pattern] = store.log_patterns(["api"])
    assert (pattern.first_ms, pattern.last_ms) == (NOW_MS - 5_001, NOW_MS - 7)


def test_patterns_belong_to_their_service(store):
    write(store, "one line")
    write(store, "other line", stream=DB)
    assert templates(store, "api") == {"one line"}
    assert templates(store) == {"one line", "other line"}


def test_only_severe_lines_can_be_counted(store):
    write(store, "fine 1", severity=9)
    write(store, "broken 1", severity=17)
    series = store.log_pattern_series(store.log_patterns(), NOW_MS, NOW_MS, MINUTE_MS, severity_min=17)
    assert [one.pattern.template for one in series] == ["broken <*>"]


def test_a_pattern_is_the_same_after_a_restart(store, server_url):
    for name in ("ada", "bob", "cleo", "dan", "eve", "fay", "gus"):
        write(store, f"hello {name} again")
    [before] = store.log_patterns(["api"])
    with reopened(store, server_url) as again:
        write(again, "hello hal again")
        [after] = again.log_patterns(["api"])
    assert (after.name, after.template) == (before.name, "hello <*> again")


def test_what_two_processes_learnt_apart_is_one_pattern():
    rows = [
        ("api", 1, "", "hello ada again", "hello ada again", 5, 6),
        ("api", 2, "", "hello <*> again", "hello bob again", 7, 9),
        ("db", 3, "", "hello cleo again", "hello cleo again", 1, 2),
    ]
    found = {pattern.ids: pattern for pattern in families(rows)}
    assert set(found) == {(1, 2), (3,)}
    assert (found[1, 2].template, found[1, 2].first_ms, found[1, 2].last_ms) == ("hello <*> again", 5, 9)


def test_errors_are_counted_by_where_they_came_from(store):
    trace = "Traceback (most recent call last):\n  File \"a/b.py\", line %d, in work\n    x\nKeyError: 'k'"
    write(store, *(json.dumps({"event": "boom", "exception": trace % n}) for n in (1, 2)), severity=17)
    [error] = store.log_errors()
    assert (error.type, error.culprit, error.service) == ("KeyError", "work in a/b.py", "api")
    counts = store.log_error_counts([error.fingerprint], NOW_MS, NOW_MS, MINUTE_MS)
    assert {key: column.tolist() for key, column in counts.items()} == {("api", error.fingerprint): [2]}


def test_a_trace_without_a_severity_is_an_error(store):
    write(store, 'Traceback (most recent call last):\n  File "b.py", line 1, in f\nValueError: no', severity=0)
    assert [error.type for error in store.log_errors()] == ["ValueError"]


def test_patterns_go_with_their_service(store):
    write(store, "one line", severity=17)
    write(store, "other line", stream=DB, severity=17)
    store.log_patterns()
    store.delete_service(["api"])
    write(store, "third line", stream=DB)
    assert templates(store) == {"other line", "third line"}
    assert [error.service for error in store.log_errors()] == ["db"]


def test_nothing_is_grouped_when_it_is_switched_off(store, server_url):
    with reopened(store, server_url, max_log_patterns=0) as off:
        write(off, "one line")
        assert off.log_patterns() == []
