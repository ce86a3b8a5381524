"""What is kept in memory answers exactly what the tables answer."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from telemetry.model.errors import LimitExceeded
from telemetry.model.labels import Matcher, MatchOp
from telemetry.model.sample_matrix import MatrixColumns
from telemetry.model.samples import STALE_NAN
from telemetry.model.time import TimeRange
from telemetry.store.memory import StoreMemory
from telemetry.store.recent import BLOCK_MS
from telemetry.store.sample_reader import SampleReader
from telemetry.store.series_reader import SeriesReader
from tests.telemetry.batches import NOW_MS, sample_batch, series

ALL_DAY = TimeRange(NOW_MS - 86_400_000, NOW_MS + 600_000)
NAMES = ("__name__", "job", "pod", "zone")
VALUES = ("", "a", "b", "aa", "a\nb", "ä", "1")

label_sets = st.builds(
    lambda metric, pairs: series(metric, **{name: value for name, value in pairs.items() if value}),
    st.sampled_from(("up", "down", "a")),
    st.dictionaries(st.sampled_from(NAMES[1:]), st.sampled_from(VALUES)),
)
matchers = st.builds(
    Matcher,
    st.sampled_from((*NAMES, "missing")),
    st.sampled_from((MatchOp.EQUAL, MatchOp.NOT_EQUAL)),
    st.sampled_from((*VALUES, "up")),
) | st.builds(
    Matcher,
    st.sampled_from((*NAMES, "missing")),
    st.sampled_from((MatchOp.REGEX, MatchOp.NOT_REGEX)),
    st.sampled_from((".+", ".*", "a|b", "a.*", "", "a|", "[^a]", "up|down|", "(a|b)+", "b?")),
)


@pytest.fixture
def store(open_store):
    open_store.clear()
    return open_store


def write(store, samples, service=None):
    return store.write_samples(sample_batch(samples), service=service).result(30)


def by_tables(store):
    store.flush()
    return SeriesReader(store.engine, store.settings, {}), SampleReader(store.engine, store.settings, {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    first=st.sets(label_sets, max_size=8),
    second=st.sets(label_sets, max_size=8),
    selectors=st.lists(st.lists(matchers, max_size=3), max_size=3),
    start=st.integers(-20, 20),
    span=st.integers(0, 20),
)
def test_the_label_index_selects_what_the_table_selects(store, first, second, selectors, start, span):
    store.clear()
    hours = {labels: (at % 20) - 19 for at, labels in enumerate(sorted({*first, *second}))}
    time_range = TimeRange(NOW_MS + start * 3_600_000, NOW_MS + (start + span) * 3_600_000)
    table, _ = by_tables(store)
    for labels_of_batch, service in ((first, None), (second, "bound"), (first, "bound")):
        write(store, {labels: [(NOW_MS + hours[labels] * 3_600_000, 1.0)] for labels in labels_of_batch}, service)
        store.flush()
        found, expected = store.select_series(selectors, time_range), table.select(selectors, time_range, None)
        assert found.labels == expected.labels
        assert dict(zip(found.ids.tolist(), found.rows.tolist(), strict=True)) == dict(
            zip(expected.ids.tolist(), expected.rows.tolist(), strict=True)
        )
        assert store.label_names(selectors, time_range) == table.label_names(selectors, time_range, None)
        assert store.label_values("job", selectors, time_range, 2) == table.label_values(
            "job", selectors, time_range, 2
        )


def test_the_index_of_a_start_is_the_index_that_grew(store):
    write(
        store, {series("up", pod=str(pod), **({"job": "a"} if pod % 2 else {})): [(NOW_MS, 1.0)] for pod in range(50)}
    )
    fresh = StoreMemory(store.engine, store._sink, 0)
    fresh.close()
    for selectors in ([], [[Matcher("job", MatchOp.EQUAL, "")]], [[Matcher("pod", MatchOp.REGEX, "1.")]]):
        again, grown = fresh.index.select(selectors, ALL_DAY, 100), store.select_series(selectors, ALL_DAY)
        assert list(again.labels) == list(grown.labels)
        assert again.ids.tolist() == grown.ids.tolist()
        assert list(again.services) == list(grown.services)


def test_the_index_follows_a_service_that_was_removed(store):
    write(store, {series("up", service="shop"): [(NOW_MS, 1.0)], series("up", service="till"): [(NOW_MS, 2.0)]})
    store.delete_service(["shop"])
    found = store.select_series([], ALL_DAY)
    assert found.labels == [series("up", service="till")]
    assert store.read_samples(found, ALL_DAY).values.tolist() == [2.0]


def test_more_series_than_the_limit_are_refused(store):
    write(store, {series("up", pod=str(pod)): [(NOW_MS, 1.0)] for pod in range(5)})
    with pytest.raises(LimitExceeded, match="BELVEDERE_MAX_QUERY_SERIES"):
        store.select_series([], ALL_DAY, limit=4)


times = st.integers(-8, 8).map(lambda turn: NOW_MS + turn * BLOCK_MS // 4)
values = st.sampled_from((0.0, -0.0, 1.0, 2.5, float("inf"), float("nan"), STALE_NAN))
writes = st.lists(
    st.tuples(st.sampled_from(("a", "b", "c")), st.sampled_from((None, "bound")), st.lists(st.tuples(times, values))),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(batches=writes, start=st.integers(-9, 9), span=st.integers(0, 18))
@example(batches=[("a", None, [(NOW_MS, 1.0), (NOW_MS, 2.0), (NOW_MS - 1, 3.0)])], start=-9, span=18)
def test_recent_samples_are_those_of_the_table(store, batches, start, span):
    store.clear()
    time_range = TimeRange(NOW_MS + start * BLOCK_MS // 4, NOW_MS + (start + span) * BLOCK_MS // 4)
    _, table = by_tables(store)
    for pod, service, samples in batches:
        write(store, {series("up", pod=pod): samples, series("up", pod="d"): samples[::-1]}, service)
    selected = store.select_series([], ALL_DAY)
    found = store.read_samples(selected, time_range)
    store.flush()
    expected = table.raw(selected, time_range)
    assert found.offsets.tolist() == expected.offsets.tolist()
    assert found.timestamps_ms.tolist() == expected.timestamps_ms.tolist()
    assert found.values.view(np.uint64).tolist() == expected.values.view(np.uint64).tolist()


def test_a_series_that_is_scraped_together_with_others_shares_their_timestamps(store):
    pods = [series("up", pod=str(pod)) for pod in range(30)]
    for turn in range(40):
        write(store, {labels: [(NOW_MS - (40 - turn) * 15_000 + at // 10, 1.0)] for at, labels in enumerate(pods)})
    found = store.read_samples(store.select_series([], ALL_DAY), TimeRange(NOW_MS - 600_000, NOW_MS))
    assert isinstance(found, MatrixColumns)
    assert len(found.matrix.first) == 3
    assert found.matrix.values.shape == (30, 40)


def test_samples_of_a_former_run_are_read_into_memory_when_they_are_asked_for(store):
    samples = {series("up", pod=str(pod)): [(NOW_MS - t * 60_000, float(t)) for t in range(90)] for pod in range(3)}
    write(store, samples)
    memory = StoreMemory(store.engine, store._sink, 2**20)
    store.add_commit_listener(memory)
    selected, wanted = store.select_series([], ALL_DAY), TimeRange(NOW_MS - 3_000_000, NOW_MS)
    assert memory.read_samples(selected, wanted, 1000) is None
    write(store, {series("up", pod="0"): [(NOW_MS, 100.0), (NOW_MS - 60_000, 101.0)]})
    memory.reach_back(wanted.start_ms)
    found = memory.read_samples(selected, wanted, 1000)
    store.remove_commit_listener(memory)
    memory.close()
    expected = by_tables(store)[1].raw(selected, wanted)
    assert found.values.tolist() == expected.values.tolist()
    assert found.values[-1] != 100.0
    assert 100.0 in found.values


def test_whole_blocks_of_the_oldest_samples_go_when_memory_is_full(store):
    memory = StoreMemory(store.engine, store._sink, 100_000)
    store.add_commit_listener(memory)
    pods = [series("up", pod=str(pod)) for pod in range(50)]
    for turn in range(40):
        write(store, {labels: [(NOW_MS - (40 - turn) * BLOCK_MS // 4, 1.0)] for labels in pods})
    store.remove_commit_listener(memory)
    selected = store.select_series([], ALL_DAY)
    assert memory.read_samples(selected, ALL_DAY, 10_000) is None
    assert memory.read_samples(selected, TimeRange(NOW_MS - 3 * BLOCK_MS, NOW_MS), 10_000) is not None
    memory.close()
