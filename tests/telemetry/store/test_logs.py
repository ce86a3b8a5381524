from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.model.errors import InvalidInput, LimitExceeded
from telemetry.model.labels import Matcher, MatchOp, labels_from
from telemetry.model.samples import WriteReceipt
from telemetry.store import Direction, LogCursor, LogQuery
from telemetry.store.log_buffer import DirectLogInserts
from telemetry.store.log_writer import LogWriter
from tests.telemetry.batches import NOW_MS, log_batch

NOW = NOW_MS * 1_000_000
SECOND = 1_000_000_000
EVER = LogQuery(0, NOW, limit=1000)

API = labels_from({"service": "api", "host": "a"})
DB = labels_from({"service": "db", "host": "b", "tier": "é \n'"})


def write(store, *records, service=None):
    return store.write_logs(log_batch(records), service=service).result(30)


def bodies(store, query=EVER):
    return [record.body for record in store.search_logs(query)]


@pytest.fixture
def four(store):
    write(
        store,
        {"stream": API, "t": NOW - 3 * SECOND, "severity": 9, "body": "GET /Orders 200 request=abc-123"},
        {
            "stream": API,
            "t": NOW - 2 * SECOND,
            "severity": 17,
            "body": "GET /orders 500 request=abc-124",
            "trace_id": "ff01",
        },
        {"stream": DB, "t": NOW - 1 * SECOND, "severity": 13, "body": "slow query: 500 ms ÉTÉ"},
        {"stream": DB, "t": NOW, "body": "checkpoint complete"},
    )
    return store


def test_a_record_comes_back_as_it_was_sent(store):
    record = {
        "stream": DB,
        "t": NOW - 123_456_789,
        "observed": NOW - 5,
        "severity": 18,
        "severity_text": "ERROR2",
        "body": "tab\t nul\x00 'quote' \"double\" \\ back\r\nline 🔭 \x1b[31mred\x1b[0m <b>markup</b>",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
        "attributes": '{"http":{"status":500,"ok":false},"list":[1,2.5,null,"é"]}',
    }
    assert write(store, record) == WriteReceipt(1)
    (found,) = store.search_logs(EVER)
    assert found.stream == DB
    assert found.service == "db"
    assert (found.timestamp_ns, found.observed_timestamp_ns) == (record["t"], record["observed"])
    assert (found.severity_number, found.severity_text) == (18, "ERROR2")
    assert (found.body, found.trace_id, found.span_id) == (record["body"], record["trace_id"], record["span_id"])
    assert found.attributes == {"http": {"status": 500, "ok": False}, "list": [1, 2.5, None, "é"]}


def test_invalid_unicode_is_kept_readable(store):
    write(store, {"stream": API, "t": NOW, "body": "bad \udcff byte"})
    assert bodies(store) == ["bad \\udcff byte"]


def test_attributes_that_are_no_object_are_kept(store):
    write(
        store,
        {"stream": API, "t": NOW, "body": "a", "attributes": "{broken"},
        {"stream": API, "t": NOW, "attributes": "[1]"},
    )
    assert sorted(str(record.attributes) for record in store.search_logs(EVER)) == ["{'': '{broken'}", "{'': [1]}"]


def test_a_line_over_the_limit_is_cut_and_marked(store):
    most = store.settings.max_line_bytes
    write(store, {"stream": API, "t": NOW, "body": "é" * most})
    (line,) = bodies(store)
    assert line.startswith("ééé")
    assert line.endswith(f"… [cut: {2 * most} bytes]")
    assert most - 2 <= len(line.encode()) <= most


def test_a_line_at_the_limit_is_left_alone(store):
    line = "x" * store.settings.max_line_bytes
    write(store, {"stream": API, "t": NOW, "body": line})
    assert bodies(store) == [line]


def test_refused_records_are_named_and_the_rest_is_stored(store):
    receipt = write(
        store,
        {"stream": API, "t": NOW, "body": "kept"},
        {"stream": API, "t": NOW + 86_400 * SECOND, "body": "ahead"},
        {"stream": API, "t": NOW - 401 * 86_400 * SECOND, "body": "old"},
        {"stream": labels_from({f"l{i}": "x" for i in range(65)}), "t": NOW, "body": "wide"},
    )
    assert receipt.accepted == 1
    assert {r.reason: r.count for r in receipt.refusals} == {
        "future_timestamp": 1,
        "old_timestamp": 1,
        "too_many_labels": 1,
    }
    assert any("the limit is 400 (BELVEDERE_LOG_RETENTION_DAYS)" in r.message for r in receipt.refusals)
    assert bodies(store) == ["kept"]


def test_a_stream_without_labels_is_a_stream(store):
    assert write(store, {"stream": (), "t": NOW, "body": "bare"}) == WriteReceipt(1)
    (found,) = store.search_logs(EVER)
    assert (found.stream, found.service) == ((), "unmapped")


def test_the_bound_service_wins(store):
    write(store, {"stream": API, "t": NOW, "body": "a"}, service="bound")
    assert [record.service for record in store.search_logs(EVER)] == ["bound"]
    assert bodies(store, replace(EVER, services=("bound",))) == ["a"]
    assert bodies(store, replace(EVER, services=("api",))) == []


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, [3, 2, 1, 0]),
        ({"direction": Direction.FORWARD}, [0, 1, 2, 3]),
        ({"services": ("api",)}, [1, 0]),
        ({"services": ("api", "db")}, [3, 2, 1, 0]),
        ({"services": ("nobody",)}, []),
        ({"severity_min": 13}, [2, 1]),
        ({"severity_min": 9, "severity_max": 12}, [0]),
        ({"severity_max": 0}, [3]),
        ({"text": "/orders"}, [1, 0]),
        ({"text": "été"}, [2]),
        ({"text": "%"}, []),
        ({"text": "_"}, []),
        ({"token": "500"}, [2, 1]),
        ({"token": "Orders"}, [0]),
        ({"token": "order"}, []),
        ({"token": "abc-124"}, [1]),
        ({"token": "request=abc"}, [1, 0]),
        ({"token": ": "}, [2]),
        ({"token": "'"}, []),
        ({"trace_id": "ff01"}, [1]),
        ({"matchers": (Matcher("host", MatchOp.EQUAL, "b"),)}, [3, 2]),
        ({"matchers": (Matcher("tier", MatchOp.EQUAL, ""),)}, [1, 0]),
        ({"matchers": (Matcher("tier", MatchOp.REGEX, "é.*"), Matcher("host", MatchOp.NOT_EQUAL, "a"))}, [3, 2]),
        ({"services": ("api",), "matchers": (Matcher("host", MatchOp.EQUAL, "b"),)}, []),
        ({"services": ("api",), "text": "get", "severity_min": 17}, [1]),
        ({"start_ns": NOW - 2 * SECOND, "end_ns": NOW - SECOND}, [2, 1]),
        ({"limit": 2}, [3, 2]),
        ({"limit": 2, "direction": Direction.FORWARD}, [0, 1]),
    ],
)
def test_records_are_found_by(four, conditions, expected):
    times = [record.timestamp_ns for record in four.search_logs(replace(EVER, **conditions))]
    assert times == [NOW - (3 - index) * SECOND for index in expected]


records = st.lists(st.tuples(st.integers(0, 4), st.sampled_from([API, DB]), st.sampled_from("abc")), max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=records, limit=st.integers(1, 7), direction=st.sampled_from(list(Direction)))
def test_pages_show_every_record_once_however_many_share_a_timestamp(open_store, records, limit, direction):
    open_store.clear()
    if records:
        write(open_store, *({"stream": stream, "t": NOW - t, "body": body} for t, stream, body in records))
    query = replace(EVER, limit=limit, direction=direction)
    shown = []
    while query is not None:
        page = open_store.search_logs(query)
        assert len(page) <= limit
        shown += page
        query = query.after(page)
    assert sorted((NOW - r.timestamp_ns, r.stream, r.body) for r in shown) == sorted(records)
    times = [record.timestamp_ns for record in shown]
    assert times == sorted(times, reverse=direction is Direction.BACKWARD)


def test_a_cursor_travels_as_text():
    cursor = LogCursor(NOW, 17)
    assert LogCursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "-", "1", "1-", "-1", "a-b", "1-2-3", "\u0661-\u0661", "1 OR 1-1"])
def test_another_text_is_no_cursor(text):
    with pytest.raises(InvalidInput, match="invalid cursor"):
        LogCursor.parse(text)


def test_a_query_must_make_sense():
    with pytest.raises(InvalidInput, match="before start"):
        LogQuery(2, 1)
    with pytest.raises(InvalidInput, match="at least 1"):
        LogQuery(0, 1, limit=0)


def test_the_histogram_counts_by_step_and_severity(four):
    found = four.log_histogram(replace(EVER, start_ns=NOW - 4 * SECOND), 2000)
    assert found.times_ms.tolist() == [NOW_MS - 4000, NOW_MS - 2000, NOW_MS]
    assert {word: column.tolist() for word, column in found.counts.items()} == {
        "info": [1, 0, 0],
        "error": [0, 1, 0],
        "warn": [0, 1, 0],
        "unspecified": [0, 0, 1],
    }
    assert found.total == 4


def test_the_histogram_keeps_to_the_conditions(four):
    found = four.log_histogram(replace(EVER, start_ns=NOW - 4 * SECOND, services=("db",), token="500"), 1000)
    assert found.total == 1


def test_a_histogram_of_too_many_steps_is_refused_by_name(store):
    with pytest.raises(LimitExceeded, match=r"the limit is 11000 \(BELVEDERE_MAX_QUERY_POINTS\)"):
        store.log_histogram(EVER, 1)


def test_facets_count_services_severities_and_labels(four):
    write(four, {"stream": API, "t": NOW, "severity": 10, "body": "x"})
    found = four.log_facets(EVER)
    assert found.services == [("api", 3), ("db", 2)]
    assert sorted(found.severities) == [("error", 1), ("info", 2), ("unspecified", 1), ("warn", 1)]
    assert found.labels["host"] == [("a", 3), ("b", 2)]
    assert found.labels["tier"] == [("é \n'", 2)]
    assert four.log_facets(EVER, limit=1).services == [("api", 3)]


text = st.one_of(
    st.sampled_from(["'", "\\", "%", "_", "{p0:String}", "\x00", "'; DROP TABLE log_records; --"]), st.text(max_size=5)
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(needle=text, service=text, value=text)
def test_no_filter_breaks_out_of_its_parameter(open_store, needle, service, value):
    open_store.clear()
    body = f"before {needle} after"
    stream = labels_from({"service": service, "v": value})
    write(open_store, {"stream": stream, "t": NOW, "body": body})
    query = replace(EVER, text=needle, token=f"before {needle} after", matchers=(Matcher("v", MatchOp.EQUAL, value),))
    assert bodies(open_store, query) == [body]
    assert bodies(open_store, replace(query, services=(service or "unmapped",))) == [body]


def test_the_writer_uses_the_settings_it_was_given(store):
    settings = replace(store.settings, max_line_bytes=64)
    small = LogWriter(store.engine, store._streams, DirectLogInserts(store.engine), settings)
    small.write(log_batch([{"stream": API, "t": NOW, "body": "y" * 100}]), service=None).result(30)
    small.queue.close()
    assert bodies(store) == ["y" * 44 + "… [cut: 100 bytes]"]


def test_records_are_deleted_by_query_with_a_receipt(four):
    query = replace(EVER, services=("api",), token="500", limit=1)
    receipt = four.delete_logs(query)
    assert (receipt.matched, receipt.left, receipt.gone) == (1, 0, 1)
    assert sorted(bodies(four)) == [
        "GET /Orders 200 request=abc-123", "checkpoint complete", "slow query: 500 ms ÉTÉ"
    ]  # fmt: skip
    assert four.delete_logs(query).matched == 0
