"""The same query gives the same answer wherever its samples come from and wherever they are worked on."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.model.labels import labels_from
from telemetry.model.samples import STALE_NAN, Frame
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.promql import planner
from telemetry.promql.engine import Engine
from telemetry.promql.run import Options
from telemetry.promql.source import GridSource, MemorySource
from telemetry.store import TelemetryStore
from tests.series import write_series
from tests.telemetry.batches import NOW_MS

START = NOW_MS - 3_600_000
BY_ENGINE = Options(sample_interval_ms=0, prefer_memory=False)
BY_NUMPY = Options(sample_interval_ms=10**9)


def odd_samples(seed: int) -> list[tuple[int, float]]:
    """About ten minutes of samples with gaps, resets, markers of staleness and values that are no numbers."""
    dice = random.Random(seed)
    at, value, found = START, 0.0, []
    for _ in range(60):
        at += dice.choice([10_000, 10_000, 10_001, 9_999, 25_000, dice.randrange(1, 60_000)])
        value += dice.choice([0, 1, dice.random() * 5])
        if dice.random() < 0.05:
            value = dice.random()
        odd = dice.choice([STALE_NAN, math.nan, math.inf, -math.inf])
        found.append((at, odd if dice.random() < 0.08 else value))
    return found


@pytest.fixture(scope="module")
def loaded(open_store: TelemetryStore) -> TelemetryStore:
    open_store.clear()
    write_series(open_store, *[("odd_total", {"seed": str(seed)}, odd_samples(seed)) for seed in range(24)])
    return open_store


grids = st.builds(
    lambda start, step, steps: TimeGrid(START + start, START + start + step * steps, step),
    st.integers(-100_000, 900_000),
    st.sampled_from([1, 997, 1000, 10_000, 15_000, 60_000]),
    st.integers(1, 30),
)
durations = st.sampled_from(["1ms", "9999ms", "10s", "30s", "1m", "5m", "1h"])


def same(one: Frame, other: Frame) -> bool:
    return (
        one.labels == other.labels
        and np.array_equal(one.present, other.present)
        and np.allclose(one.values[one.present], other.values[other.present], rtol=1e-13, atol=0, equal_nan=True)
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(grid=grids, window=durations, offset=st.sampled_from(["", " offset 1m", " offset -30s"]))
@pytest.mark.parametrize("function", sorted(planner.ENGINE_FUNCTIONS))
def test_the_engine_and_numpy_agree(
    loaded: TelemetryStore, function: str, grid: TimeGrid, window: str, offset: str
) -> None:
    query = f"{function}(odd_total[{window}]{offset})"
    engine = Engine(loaded)
    assert same(engine.range(query, grid, BY_ENGINE).value, engine.range(query, grid, BY_NUMPY).value)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(grid=grids, lookback_ms=st.sampled_from([1, 10_000, 60_000, 300_000]))
def test_the_engine_and_numpy_agree_on_the_newest_sample(
    loaded: TelemetryStore, grid: TimeGrid, lookback_ms: int
) -> None:
    engine = Engine(loaded)
    frames = [
        engine.range("odd_total", grid, replace(options, lookback_ms=lookback_ms)).value
        for options in (BY_ENGINE, BY_NUMPY)
    ]
    assert same(*frames)


class CountedGrids:
    """A store that counts how often its own functions are asked for."""

    def __init__(self, store: TelemetryStore, *, recent: bool = False) -> None:
        self.select_series, self.read_samples = store.select_series, store.read_samples
        self.store, self.recent, self.asked = store, recent, 0

    def in_memory(self, _: TimeRange) -> bool:
        return self.recent

    def grid(self, *args: object) -> Frame:
        self.asked += 1
        return self.store.grid(*args)


@pytest.mark.parametrize(
    ("query", "step_ms", "asked"),
    [
        ("odd_total", 60_000, 0),
        ("odd_total", 600_000, 1),
        ("delta(odd_total[5m])", 600_000, 1),
        ("delta(odd_total[5m]) + odd_total", 600_000, 2),
        ("rate(odd_total[5m])", 600_000, 0),
        ("max_over_time(odd_total[5m])", 600_000, 0),
        ("odd_total @ end()", 600_000, 0),
        ("delta(odd_total[5m:1m])", 600_000, 0),
    ],
)
def test_the_engine_is_asked_where_steps_are_coarse(
    loaded: TelemetryStore, query: str, step_ms: int, asked: int
) -> None:
    source = CountedGrids(loaded)
    assert isinstance(source, GridSource)
    Engine(source).range(query, TimeGrid(START, NOW_MS, step_ms))
    assert source.asked == asked


def test_the_engine_is_not_asked_for_samples_in_memory(loaded: TelemetryStore) -> None:
    source = CountedGrids(loaded, recent=True)
    Engine(source).range("delta(odd_total[5m]) + odd_total", TimeGrid(START, NOW_MS, 600_000))
    assert source.asked == 0


@pytest.mark.parametrize(
    "query",
    [
        "odd_total",
        "rate(odd_total[1m])",
        "sum_over_time(odd_total[2m] offset 30s)",
        "quantile_over_time(0.7, odd_total[3m])",
        "max_over_time(deriv(odd_total[1m])[2m:10s])",
        "sum(odd_total) / count(odd_total)",
        "topk(3, odd_total)",
    ],
)
def test_the_store_and_memory_agree(loaded: TelemetryStore, query: str) -> None:
    memory = MemorySource()
    for seed in range(24):
        memory.add(labels_from({"__name__": "odd_total", "seed": str(seed)}), odd_samples(seed))
    grid = TimeGrid(START, START + 900_000, 20_000)
    assert same(Engine(loaded).range(query, grid).value, Engine(memory).range(query, grid).value)


def test_memory_takes_the_last_of_equal_times_and_sorts() -> None:
    memory = MemorySource()
    memory.add(labels_from({"__name__": "x"}), [(2000, 5.0), (1000, 1.0)])
    memory.add(labels_from({"__name__": "x"}), [(2000, 7.0)])
    frame = Engine(memory).range("x", TimeGrid(1000, 2000, 1000)).value
    assert isinstance(frame, Frame)
    assert frame.values.tolist() == [[1.0, 7.0]]
