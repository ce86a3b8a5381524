"""The streams in memory are those of the table, whatever was written, moved or deleted."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.model.labels import Matcher, MatchOp, labels_from
from tests.telemetry.batches import NOW_MS, log_batch

NS_PER_MS = 10**6
HOUR_MS = 3_600_000

values = st.sampled_from(["", "a", "b", "ab", "c"])
label_sets = st.dictionaries(st.sampled_from(["app", "env", "service"]), values.filter(bool), max_size=3)
matchers = st.lists(
    st.builds(Matcher, st.sampled_from(["app", "env", "absent"]), st.sampled_from(list(MatchOp)), values), max_size=3
)


def from_memory(store, asked, start_ms, end_ms):
    found = store.select_log_streams(asked, start_ms * NS_PER_MS, end_ms * NS_PER_MS)
    return sorted(zip(found.ids, found.labels, strict=True)), found.written_as


def from_table(store, asked, start_ms, end_ms):
    found = store._line_reader._from_table(asked, start_ms, end_ms + 1)
    return sorted(zip(found.ids, found.labels, strict=True)), found.written_as


def assert_same(store, asked, start_ms=NOW_MS - 24 * HOUR_MS, end_ms=NOW_MS):
    assert from_memory(store, asked, start_ms, end_ms) == from_table(store, asked, start_ms, end_ms)


def write(store, labels, hours_ago=0):
    record = {"stream": labels_from(labels), "t": (NOW_MS - hours_ago * HOUR_MS) * NS_PER_MS, "body": "x"}
    store.write_logs(log_batch([record])).result(30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(label_sets, st.integers(0, 30)), max_size=6),
    st.lists(matchers, min_size=1, max_size=4),
    st.integers(0, 40),
    st.integers(0, 10),
)
def test_memory_and_table_select_the_same_streams(store, written, asked, from_hours, hours):
    end_ms = NOW_MS - max(0, from_hours - hours) * HOUR_MS
    for labels, hours_ago in written:
        write(store, labels, hours_ago)
        for one in asked:
            assert_same(store, one, NOW_MS - from_hours * HOUR_MS, end_ms)


def test_a_deleted_service_is_gone_from_memory(store):
    write(store, {"service": "one"})
    write(store, {"service": "two"})
    assert len(from_memory(store, [], 0, NOW_MS)[0]) == 2
    store.delete_service(["one"])
    assert [dict(labels) for _, labels in from_memory(store, [], 0, NOW_MS)[0]] == [{"service": "two"}]
    assert_same(store, [])


def test_an_emptied_store_has_no_streams(store):
    write(store, {"service": "one"})
    assert from_memory(store, [], 0, NOW_MS)[0]
    store.clear()
    assert from_memory(store, [], 0, NOW_MS) == ([], ())
