import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.model.errors import LimitExceeded
from telemetry.model.samples import SeriesSet
from telemetry.model.time import TimeRange
from telemetry.store.grouping import SampleColumns, group_by_row, has_conflict
from telemetry.store.sample_reader import SampleReader
from tests.telemetry.batches import NOW_MS, sample_batch, series
from tests.telemetry.store.test_sample_writes import HOUR, everything


def write(store, samples):
    receipt = store.write_samples(sample_batch(samples)).result(30)
    store.flush()  # some of these tests ask the engine behind the store's back
    return receipt


def test_both_ends_of_the_range_are_included(store):
    write(store, {series("up"): [(NOW_MS + offset, float(offset)) for offset in (-3, -2, -1, 0)]})
    found = store.read_samples(store.select_series([], HOUR), TimeRange(NOW_MS - 2, NOW_MS - 1))
    assert found.timestamps_ms.tolist() == [NOW_MS - 2, NOW_MS - 1]


def test_samples_are_grouped_by_row_and_ascending(store):
    samples = {series("up", i=f"{i:02}"): [(NOW_MS - 1000 * t, float(t)) for t in range(i)] for i in range(12)}
    write(store, samples)
    found = store.select_series([], HOUR)
    columns = store.read_samples(found, HOUR)
    assert columns.offsets.tolist() == np.cumsum([0, *range(1, 12)]).tolist()
    for row in range(len(found)):
        times = columns.timestamps_ms[columns.offsets[row] : columns.offsets[row + 1]]
        assert (np.diff(times) > 0).all()


def test_a_row_without_samples_in_the_range_is_empty(store):
    write(store, {series("a"): [(NOW_MS, 1.0)], series("b"): [(NOW_MS - 1_000_000, 1.0)], series("c"): [(NOW_MS, 2.0)]})
    columns = store.read_samples(store.select_series([], HOUR), TimeRange(NOW_MS, NOW_MS))
    assert columns.offsets.tolist() == [0, 1, 1, 2]
    assert columns.values.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("first", "second"), [(1.0, 2.0), (2.0, 1.0), (float("inf"), 0.0)])
def test_the_last_write_wins_within_a_batch(store, first, second):
    write(store, {series("up"): [(NOW_MS, first), (NOW_MS, second)]})
    assert everything(store) == {series("up"): [(NOW_MS, second)]}


@pytest.mark.parametrize(("first", "second"), [(1.0, 2.0), (2.0, 1.0)])
def test_the_last_write_wins_across_inserts(store, first, second):
    write(store, {series("up"): [(NOW_MS - 1, 7.0), (NOW_MS, first)]})
    write(store, {series("up"): [(NOW_MS, second)]})
    assert everything(store) == {series("up"): [(NOW_MS - 1, 7.0), (NOW_MS, second)]}


def test_what_was_merged_stays_as_it_was(store):
    for value in (3.0, 1.0, 2.0):
        write(store, {series("up"): [(NOW_MS, value), (NOW_MS - 15_000, 5.0)]})
    before = everything(store)
    store.engine.command("OPTIMIZE TABLE samples FINAL")
    assert everything(store) == before == {series("up"): [(NOW_MS - 15_000, 5.0), (NOW_MS, 2.0)]}


points = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(0, 3)).map(
        lambda p: (series("m", i=str(p[0])), NOW_MS - 15_000 * p[1], float(p[2]))
    ),
    min_size=1,
    max_size=24,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points=points, cuts=st.lists(st.integers(0, 24), max_size=3))
def test_any_cutting_into_batches_gives_the_last_write_of_each_sample(open_store, points, cuts):
    open_store.clear()
    expected = {(labels, t): v for labels, t, v in points}
    edges = [0, *sorted(cuts), len(points)]
    for start, end in itertools.pairwise(edges):
        batch: dict = {}
        for labels, t, v in points[start:end]:
            batch.setdefault(labels, []).append((t, v))
        write(open_store, batch)
    stored = {(labels, t): v for labels, pairs in everything(open_store).items() for t, v in pairs}
    assert stored == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_shuffled_and_repeated_batches_give_the_same_result(open_store, seed):
    rng = random.Random(seed)
    samples = {series("m", i=str(i)): [(NOW_MS - 15_000 * t, float(i * t)) for t in range(20)] for i in range(5)}
    open_store.clear()
    pieces = [(labels, pair) for labels, pairs in samples.items() for pair in pairs]
    pieces += rng.sample(pieces, 30)
    rng.shuffle(pieces)
    while pieces:
        batch: dict = {}
        for labels, pair in [pieces.pop() for _ in range(min(len(pieces), rng.randint(1, 40)))]:
            batch.setdefault(labels, []).append(pair)
        write(open_store, batch)
    assert everything(open_store) == {labels: sorted(pairs) for labels, pairs in samples.items()}


def test_more_samples_than_the_limit_are_refused_before_they_are_read(store):
    write(store, {series("m", i=str(i)): [(NOW_MS - 1000 * t, 1.0) for t in range(100)] for i in range(10)})
    small = SampleReader(store.engine, _with_limit(store, 500), {})
    found = store.select_series([], HOUR)
    with pytest.raises(
        LimitExceeded, match=r"would read 1000 samples; the limit is 500 \(BELVEDERE_MAX_QUERY_SAMPLES\)"
    ):
        small.raw(found, HOUR)


def test_the_limit_counts_samples_that_match_not_those_that_lie_near(store):
    write(store, {series("m", i=str(i)): [(NOW_MS - 1000 * t, 1.0) for t in range(100)] for i in range(10)})
    small = SampleReader(store.engine, _with_limit(store, 500), {})
    found = store.select_series([], HOUR)
    assert len(small.raw(found, TimeRange(NOW_MS - 49_000, NOW_MS)).values) == 500


def _with_limit(store, most):
    return replace(store.settings, max_query_samples=most)


def test_a_failed_query_leaves_nothing_behind_on_its_connection(store):
    write(store, {series("m", i=str(i)): [(NOW_MS - 1000 * t, 1.0) for t in range(100)] for i in range(10)})
    small = SampleReader(store.engine, _with_limit(store, 500), {})
    found = store.select_series([], HOUR)
    for _ in range(10):
        with pytest.raises(LimitExceeded):
            small.raw(found, HOUR)
        assert store.engine.rows("SELECT 1") == [(1,)]


ids = st.lists(st.integers(1, 2**64 - 1), min_size=1, max_size=6, unique=True)


@given(ids=ids, data=st.data())
def test_grouping_equals_the_plain_way(ids, data):
    drawn = data.draw(st.lists(st.integers(0, 3), min_size=len(ids), max_size=len(ids)))
    rows = [sorted(set(drawn)).index(row) for row in drawn]  # every row has an id
    count = max(rows) + 1
    found = SeriesSet(np.array(ids, np.uint64), [()] * count, [""] * count, np.array(rows, np.int64))
    runs = {
        identity: sorted(data.draw(st.lists(st.integers(0, 9), max_size=5, unique=True))) for identity in sorted(ids)
    }
    flat = [(identity, t) for identity, times in runs.items() for t in times]
    values = np.arange(len(flat), dtype=float)
    columns = SampleColumns(
        np.array([identity for identity, _ in flat], np.uint64), np.array([t for _, t in flat], np.int64), values
    )
    grouped = group_by_row(found, columns)
    for row in range(count):
        expected = sorted({t for identity, times in runs.items() if rows[ids.index(identity)] == row for t in times})
        assert grouped.timestamps_ms[grouped.offsets[row] : grouped.offsets[row + 1]].tolist() == expected
    assert grouped.offsets[-1] == len(grouped.values)


def test_a_conflict_is_a_repeated_timestamp_with_another_value():
    def columns(series_, times, values):
        return SampleColumns(np.array(series_, np.uint64), np.array(times, np.int64), np.array(values))

    assert has_conflict(columns([1, 1], [5, 5], [1.0, 2.0]))
    assert not has_conflict(columns([1, 1], [5, 5], [1.0, 1.0]))
    assert not has_conflict(columns([1, 2], [5, 5], [1.0, 2.0]))
    assert not has_conflict(columns([1, 1], [5, 5], [float("nan"), float("nan")]))
