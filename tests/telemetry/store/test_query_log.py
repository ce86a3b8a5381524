"""The log of queries: what was asked, and which metric was read when."""

import threading
import time

import pytest

from telemetry.model.cancellation import Cancellation
from telemetry.model.errors import QueryCancelled, QueryTimeout
from telemetry.promql.engine import Engine
from telemetry.promql.run import Options
from telemetry.store.query_log import MOST_CHARACTERS, MOST_WAITING, QueryNote
from telemetry.store.query_scope import query_scope
from tests.telemetry.batches import NOW_MS, sample_batch, series


def note(expression: str = "up", *, reads=("up",), source="api", at_ms=NOW_MS, listed=True) -> QueryNote:
    return QueryNote(at_ms, "token:t", source, "promql", expression, "success", 1, 2, 0.5, list(reads), listed)


def test_a_noted_query_is_found_as_it_was(store) -> None:
    store.note_query(note("sum(up)"))
    assert store.recent_queries() == [note("sum(up)")]


def test_the_newest_query_comes_first_and_the_answer_is_cut(store) -> None:
    for age, text in enumerate(["c", "b", "a"]):
        store.note_query(note(text, at_ms=NOW_MS - 1000 * age))
    assert [one.expression for one in store.recent_queries(2)] == ["c", "b"]


def test_a_metric_says_when_and_by_what_it_was_read_last(store) -> None:
    store.note_query(note(at_ms=NOW_MS - 5000))
    store.metric_reads()  # written in between, so that two parts are joined
    store.note_query(note(at_ms=NOW_MS, source="rule", listed=False))
    reads = store.metric_reads()
    assert (reads["up"].last_ms, reads["up"].times, reads["up"].sources) == (NOW_MS, 2, ("api", "rule"))
    assert "down" not in reads


def test_what_is_not_listed_still_counts_as_reading(store) -> None:
    store.note_query(note(listed=False))
    assert store.recent_queries() == []
    assert set(store.metric_reads()) == {"up"}


def test_the_log_is_bounded(store) -> None:
    store.note_query(note("x" * (MOST_CHARACTERS + 1)))
    assert len(store.recent_queries()[0].expression) == MOST_CHARACTERS
    for _ in range(MOST_WAITING + 10):
        store.note_query(note())
    assert len(store.recent_queries(MOST_WAITING * 2)) <= MOST_WAITING + 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("sum(rate(a_total[5m])) / b", {"a_total", "b"}),
        ('{__name__=~"a_.*"}', {"a_total"}),
        ('count by(__name__) ({__name__!=""})', set()),
        ("absent(never_sent)", {"never_sent"}),
        ("vector(1)", set()),
    ],
)
def test_a_query_knows_the_metrics_it_reads(store, query, names) -> None:
    samples = {series("a_total", job="x"): [(NOW_MS, 1.0)], series("b", job="x"): [(NOW_MS, 1.0)]}
    store.write_samples(sample_batch(samples)).result(30)
    assert Engine(store).instant(query, NOW_MS).statistics.metrics == names


SLOW = "SELECT count() FROM numbers(1000000000000) WHERE sin(number) > 2"


def test_a_query_is_stopped_in_the_engine_when_its_client_goes(store) -> None:
    cancellation = Cancellation()
    threading.Timer(0.5, cancellation.cancel).start()
    with query_scope(time.monotonic() + 60, cancellation), pytest.raises(QueryCancelled):
        store.engine.rows(SLOW, settings={"max_execution_time": 30})
    assert store.engine.rows(
        "SELECT count() FROM system.processes WHERE position(query, 'sin(number) ' || '> 2') > 0"
    ) == [(0,)]


def test_a_query_is_stopped_in_the_engine_at_its_deadline(store) -> None:
    with query_scope(time.monotonic() + 0.3), pytest.raises(QueryTimeout):
        store.engine.rows(SLOW, settings={"max_execution_time": 30})


def test_nothing_is_asked_for_a_client_that_has_gone(store) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(QueryCancelled):
        Engine(store).instant("up", NOW_MS, Options(cancellation=cancellation))
