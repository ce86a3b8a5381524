"""Limits, timeouts, statistics and what is kept of a query."""

import numpy as np
import pytest

from telemetry.model.errors import InvalidInput, LimitExceeded, QueryTimeout
from telemetry.model.labels import Labels, labels_from
from telemetry.model.samples import Frame
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.promql.engine import Engine, Samples, ScalarResult
from telemetry.promql.errors import EvaluationError, ParseError
from telemetry.promql.run import Options
from telemetry.promql.source import MemorySource
from telemetry.store import TelemetryStore
from tests.series import write_series
from tests.telemetry.batches import NOW_MS

MINUTE = 60_000


@pytest.fixture
def source() -> MemorySource:
    """Three series of ten samples, a minute apart."""
    memory = MemorySource()
    for name in ("a", "b", "c"):
        labels = labels_from({"__name__": "x", "n": name})
        memory.add(labels, [(at * MINUTE, float(at)) for at in range(10)])
    return memory


class CountingSource(MemorySource):
    """Counts how often samples are read."""

    def __init__(self, other: MemorySource) -> None:
        super().__init__()
        self.__dict__.update(other.__dict__)
        self.reads = 0

    def read_samples(self, series: object, time_range: TimeRange) -> object:
        self.reads += 1
        return super().read_samples(series, time_range)


def labels_of(frame: object) -> list[Labels]:
    assert isinstance(frame, Frame)
    return frame.labels


def test_the_series_limit_is_named(source: MemorySource) -> None:
    with pytest.raises(LimitExceeded, match="BELVEDERE_MAX_QUERY_SERIES") as caught:
        Engine(source, Options(max_series=2)).instant("x", MINUTE)
    assert caught.value.limit_name == "BELVEDERE_MAX_QUERY_SERIES"


def test_all_selectors_of_a_query_share_the_series_limit(source: MemorySource) -> None:
    assert Engine(source, Options(max_series=6)).instant("x + x offset 1m", MINUTE).statistics.series == 6
    with pytest.raises(LimitExceeded):
        Engine(source, Options(max_series=5)).instant("x + x offset 1m", MINUTE)


def test_the_sample_limit_is_named(source: MemorySource) -> None:
    with pytest.raises(LimitExceeded, match="more than 20 samples"):
        Engine(source, Options(max_samples=20)).instant("x[10m]", 10 * MINUTE)


def test_results_that_would_be_too_large_are_refused_before_they_are_made(source: MemorySource) -> None:
    grid = TimeGrid(0, 9 * MINUTE, 1000)
    with pytest.raises(LimitExceeded, match="1623 points at once"):
        Engine(source, Options(max_samples=1000)).range("x", grid)
    with pytest.raises(LimitExceeded, match="points at once"):
        Engine(source, Options(max_samples=1000)).range("count_over_time(x[5m])", grid)


def test_the_point_limit_is_named(source: MemorySource) -> None:
    with pytest.raises(LimitExceeded, match="BELVEDERE_MAX_QUERY_POINTS"):
        Engine(source, Options(max_points=5)).range("x", TimeGrid(0, 6000, 1000))
    assert len(labels_of(Engine(source, Options(max_points=5)).range("x", TimeGrid(0, 5000, 1000)).value)) == 3


def test_a_range_of_too_many_days_is_refused_with_its_length_and_the_setting(source: MemorySource) -> None:
    day_ms = 24 * 60 * MINUTE
    engine = Engine(source, Options(max_days=2))
    with pytest.raises(LimitExceeded, match=r"spans 2\.5 days, over the limit of 2 \(BELVEDERE_MAX_QUERY_DAYS\)"):
        engine.range("x", TimeGrid(0, 5 * day_ms // 2, day_ms // 2))
    engine.range("x", TimeGrid(0, 2 * day_ms, day_ms))


def test_a_query_is_given_up_at_its_deadline(source: MemorySource) -> None:
    chain = " + ".join(["x"] * 2000)
    with pytest.raises(QueryTimeout, match=r"after 0.05 s"):
        Engine(source, Options(timeout_seconds=0.05)).range(chain, TimeGrid(0, 9 * MINUTE, 500))


def test_statistics_tell_series_samples_and_time(source: MemorySource) -> None:
    statistics = Engine(source).range("rate(x[2m])", TimeGrid(5 * MINUTE, 7 * MINUTE, MINUTE)).statistics
    assert (statistics.series, statistics.samples, statistics.points) == (3, 12, 9)
    assert statistics.seconds > 0


def test_a_selector_that_occurs_twice_reads_once(source: MemorySource) -> None:
    counting = CountingSource(source)
    Engine(counting).instant("x / x + on (n) x", 5 * MINUTE)
    assert counting.reads == 1


def test_what_is_fixed_in_time_is_computed_once(source: MemorySource) -> None:
    counting = CountingSource(source)
    frame = Engine(counting).range("x - sum(x @ 60) without ()", TimeGrid(0, 9 * MINUTE, MINUTE)).value
    assert isinstance(frame, Frame)
    assert frame.values[0].tolist() == [float(at) - 1 for at in range(10)]
    assert counting.reads == 2


def test_kinds_of_results(source: MemorySource) -> None:
    engine = Engine(source)
    assert engine.instant('"text"', 0).value == "text"
    assert isinstance(engine.instant("1 + 1", 0).value, ScalarResult)
    assert isinstance(engine.instant("x", 0).value, Frame)
    samples = engine.instant('x{n="a"}[2m]', 5 * MINUTE).value
    assert isinstance(samples, Samples)
    assert samples.columns.values.tolist() == [4.0, 5.0]


def test_a_range_query_has_values_over_time_or_is_refused(source: MemorySource) -> None:
    for text in ("x[5m]", '"text"'):
        with pytest.raises(InvalidInput, match="must be Scalar or instant Vector"):
            Engine(source).range(text, TimeGrid(0, 1000, 1000))


def test_errors_of_text_and_of_data_differ(source: MemorySource) -> None:
    with pytest.raises(ParseError):
        Engine(source).instant("x +", 0)
    with pytest.raises(EvaluationError, match="many-to-many"):
        Engine(source).instant("x + on () x", 0)


def test_range_results_are_in_the_order_of_their_labels(source: MemorySource) -> None:
    result = Engine(source).range("sort_desc(x) or vector(1)", TimeGrid(0, MINUTE, MINUTE))
    assert labels_of(result.value) == sorted(labels_of(result.value))


def test_names_may_be_dropped_last(source: MemorySource) -> None:
    query = 'label_replace(rate(x[5m]), "was", "$1", "__name__", "(.*)")'
    kept = Engine(source, Options(delayed_name_removal=True)).instant(query, 5 * MINUTE)
    assert labels_of(kept.value)[0] == (("n", "a"), ("was", "x"))
    assert labels_of(Engine(source).instant(query, 5 * MINUTE).value)[0] == (("n", "a"),)


def test_deep_queries_are_evaluated(source: MemorySource) -> None:
    deep = "abs(" * 60 + "x" + ")" * 60
    frame = Engine(source).instant(deep, 5 * MINUTE).value
    assert isinstance(frame, Frame)
    assert frame.values[:, 0].tolist() == [5.0, 5.0, 5.0]


def test_long_chains_are_evaluated(source: MemorySource) -> None:
    result = Engine(source).instant("+".join(["1"] * 20_000), 0).value
    assert isinstance(result, ScalarResult)
    assert np.array_equal(result.values, [20_000.0])


def test_no_warnings_of_numpy_leak(source: MemorySource) -> None:
    Engine(source).instant("ln(-x) / 0 + x % 0 + sqrt(-x) + exp(x * 1000) + acos(x)", 5 * MINUTE)


@pytest.mark.parametrize("query", ["sum_over_time(vector(1)[100y:1ms])", "max_over_time(x[250y:1s])"])
def test_subqueries_with_too_many_times_are_refused(source: MemorySource, query: str) -> None:
    with pytest.raises(LimitExceeded, match="points at once"):
        Engine(source).instant(query, 5 * MINUTE)


def test_values_that_become_labels_are_limited_before_they_are_made(source: MemorySource) -> None:
    grid = TimeGrid(0, 9 * MINUTE, 6000)
    with pytest.raises(LimitExceeded, match="8281 points at once"):
        Engine(source, Options(max_samples=1000)).range('count_values("v", vector(time()))', grid)


@pytest.mark.parametrize(
    "query", ["x offset 290y", "x offset -290y", "x @ 9e12", "rate(x[5m] @ -9e12)", "delta(x[1y] offset 290y)"]
)
def test_times_that_no_store_knows_have_no_samples(store: TelemetryStore, query: str) -> None:
    write_series(store, ("x", {}, [(NOW_MS, 1.0)]))
    assert labels_of(Engine(store).instant(query, NOW_MS).value) == []
    assert labels_of(Engine(store).range(query, TimeGrid(NOW_MS - 10 * MINUTE, NOW_MS, 5 * MINUTE)).value) == []
