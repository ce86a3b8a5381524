"""Kept answers are the answers that would be computed, whatever is written between two questions."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.model.samples import Frame
from telemetry.model.time import TimeGrid
from telemetry.promql.engine import Engine
from telemetry.promql.parser import parse
from telemetry.promql.result_cache import READS, ResultCache
from telemetry.promql.reuse import look_ahead_ms
from telemetry.promql.run import Options
from telemetry.store import TelemetryStore
from tests.series import write_series
from tests.telemetry.batches import NOW_MS, series
from tests.telemetry.histograms import write_histograms
from tests.telemetry.store.test_histograms import ONE

STEP = 15_000
START = NOW_MS - 3_600_000
MOST_BYTES = 2**20
QUERIES = [
    "x_total",
    "rate(x_total[1m])",
    "sum by (zone) (rate(x_total[1m]))",
    "sum(x_total) by (zone) / on (zone) count by (zone) (x_total)",
    "topk(2, rate(x_total[1m]))",
    "topk(1, sum by (zone) (x_total))",
    "max_over_time(x_total[2m] offset 30s)",
    "avg_over_time(x_total[1m] offset -45s)",
    "max_over_time(sum(x_total)[2m:30s])",
    "x_total @ end()",
    "limitk(2, x_total)",
    "absent(x_total{zone='a'})",
    "time() + sum(x_total)",
    "rate(x_total[range()])",
    "count_values('v', x_total > 3)",
    "quantile_over_time(0.5, x_total[1m])",
]


@dataclass(frozen=True)
class Write:
    zone: int
    at: int
    """In steps after the start, halves too."""
    value: float


@dataclass(frozen=True)
class Ask:
    query: int
    first: int
    steps: int


writes = st.builds(Write, st.integers(0, 3), st.integers(0, 60), st.sampled_from([0.1, 1.0, 2.5, 7.0, 1e9]))
asks = st.builds(Ask, st.integers(0, 1), st.integers(0, 6), st.integers(4, 24))


def grid_of(ask: Ask) -> TimeGrid:
    start = START + ask.first * STEP
    return TimeGrid(start, start + ask.steps * STEP, STEP)


def write(store: TelemetryStore, *some: Write) -> None:
    write_series(
        store,
        *[
            ("x_total", {"zone": "abcd"[one.zone], "job": "x"}, [(START + one.at * STEP // 2, one.value)])
            for one in some
        ],
    )


def same(one: Frame, other: Frame) -> bool:
    return (
        one.labels == other.labels
        and np.array_equal(one.times_ms, other.times_ms)
        and np.array_equal(one.present, other.present)
        and np.array_equal(one.values[one.present], other.values[other.present], equal_nan=True)
    )


def cached(store: TelemetryStore, most_bytes: int = MOST_BYTES) -> Engine:
    assert store.commit_times is not None
    return Engine(store, cache=ResultCache(store.commit_times, most_bytes))


def reads(kept: str) -> float:
    return READS.labels(kept)._value.get()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    queries=st.lists(st.sampled_from(QUERIES), min_size=2, max_size=2, unique=True),
    turns=st.lists(st.one_of(writes, asks, asks, asks, st.just("delete")), min_size=4, max_size=20),
)
def test_a_kept_answer_is_the_computed_one_after_any_writes_and_deletes(store: TelemetryStore, queries, turns) -> None:
    store.clear()
    write(store, *[Write(zone, at, zone + at / 8) for zone in range(3) for at in range(0, 40, 2)])
    engine, plain = cached(store), Engine(store)
    for turn in turns:
        match turn:
            case Write():
                write(store, turn)
            case Ask():
                ours, theirs = (one.range(queries[turn.query], grid_of(turn)) for one in (engine, plain))
                assert same(ours.value, theirs.value), queries[turn.query]
                assert (ours.warnings, ours.infos) == (theirs.warnings, theirs.infos)
                assert ours.statistics.metrics == theirs.statistics.metrics
            case _:
                store.delete_service(["x"])


def test_a_refresh_reads_only_what_is_new(store: TelemetryStore) -> None:
    write(store, *[Write(0, at, at) for at in range(60)])
    engine = cached(store)
    first = engine.range("rate(x_total[1m])", grid_of(Ask(0, 4, 20)))
    again = engine.range("rate(x_total[1m])", grid_of(Ask(0, 5, 20)))
    assert 0 < again.statistics.samples < first.statistics.samples / 2
    assert again.statistics.metrics == {"x_total"}
    assert engine.range("rate(x_total[1m])", grid_of(Ask(0, 5, 20))).statistics.samples == 0


def test_a_late_sample_is_seen_and_what_is_before_it_stays(store: TelemetryStore) -> None:
    write(store, *[Write(0, at, at) for at in range(0, 60, 2)])
    engine, grid = cached(store), grid_of(Ask(0, 0, 25))
    engine.range("x_total", grid)
    write(store, Write(1, 31, 5.0))
    before = reads("part")
    assert same(engine.range("x_total", grid).value, Engine(store).range("x_total", grid).value)
    assert reads("part") == before + 1


def test_a_late_native_histogram_is_seen(store: TelemetryStore) -> None:
    write(store, *[Write(0, at, at) for at in range(0, 60, 2)])
    engine, grid = cached(store), grid_of(Ask(0, 0, 25))
    engine.range("x_total", grid)
    write_histograms(store, {series("x_total", zone="h", job="x"): [(START + 10 * STEP, ONE)]})
    ours, theirs = engine.range("x_total", grid).value, Engine(store).range("x_total", grid).value
    assert ours.histograms is not None
    assert np.array_equal(ours.present, theirs.present)
    assert np.array_equal(ours.histograms == None, theirs.histograms == None)  # noqa: E711 - cell by cell


def test_what_is_not_to_be_kept_is_computed(store: TelemetryStore) -> None:
    write(store, *[Write(0, at, at) for at in range(60)])
    engine, grid = cached(store), grid_of(Ask(0, 0, 20))
    engine.range("x_total", grid)
    assert engine.range("x_total", grid, Options(keep_results=False)).statistics.samples > 0
    assert engine.range("x_total", grid, Options(lookback_ms=1000)).statistics.samples > 0


def test_memory_for_kept_answers_is_bounded(store: TelemetryStore) -> None:
    write(store, *[Write(zone, at, at) for zone in range(4) for at in range(60)])
    engine = cached(store, 6_000)
    for addend in range(20):
        engine.range(f"x_total + {addend}", grid_of(Ask(0, 0, 25)))
    assert engine._cache._bytes <= 6_000
    assert 0 < len(engine._cache._kept) < 20


@pytest.mark.parametrize(
    ("query", "ahead_ms"),
    [
        ("x", 0),
        ("rate(x[5m] offset -30s)", 30_000),
        ("max_over_time(rate(x[5m] offset -30s)[1h:1m] offset -1m)", 90_000),
        ("rate(x[5m] offset 30s)", 0),
        ("rate(x[step() + 1m])", 0),
        ("rate(x[range()])", None),
        ("x @ 5", None),
        ("sum(x @ start())", None),
        ("topk(2, rate(x[5m]))", 0),
        ("topk(2, (x))", 0),
        ("topk(2, sum by (a) (x))", None),
        ("limitk(2, x + y)", None),
    ],
)
def test_queries_whose_times_depend_on_each_other_are_not_kept(query: str, ahead_ms: int | None) -> None:
    assert look_ahead_ms(parse(query), 15_000) == ahead_ms
