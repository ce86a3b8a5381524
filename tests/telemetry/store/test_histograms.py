"""Native histogram samples: what is written is read, once each, and goes where its series goes."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.model.histograms import (
    CUSTOM_SCHEMA,
    Buckets,
    Histogram,
    HistogramColumns,
    ResetHint,
)
from telemetry.model.labels import Matcher, MatchOp
from telemetry.model.time import TimeRange
from telemetry.store import TelemetryStore
from tests.telemetry.batches import NOW_MS, sample_batch, series
from tests.telemetry.histograms import vars_of, write_histograms

EVERYTHING = TimeRange(NOW_MS - 3_600_000, NOW_MS + 3_600_000)
ONE = Histogram(
    schema=3,
    count=10.0,
    sum=2.5,
    zero_threshold=0.001,
    zero_count=1.0,
    positive=Buckets(np.array([-2, 0, 5]), np.array([3.0, 2.0, 1.0])),
    negative=Buckets(np.array([1]), np.array([3.0])),
)
CUSTOM = Histogram(
    CUSTOM_SCHEMA,
    4.0,
    9.0,
    positive=Buckets(np.array([0, 2]), np.array([1.0, 3.0])),
    custom_bounds=np.array([1.0, 5.0]),
)


def read(store: TelemetryStore, metric: str) -> list[list[tuple[int, Histogram]]]:
    found = store.select_series([[Matcher("__name__", MatchOp.EQUAL, metric)]], EVERYTHING)
    raw = store.read_histograms(found, EVERYTHING)
    if raw is None:
        return []
    pairs = list(zip(raw.timestamps_ms.tolist(), raw.values, strict=True))
    return [pairs[start:end] for start, end in zip(raw.offsets, raw.offsets[1:], strict=False)]


def test_what_is_written_is_read_bit_for_bit(store: TelemetryStore) -> None:
    receipt = write_histograms(store, {series("latency", pod="a"): [(NOW_MS, CUSTOM), (NOW_MS - 1000, ONE)]})
    assert (receipt.accepted, receipt.refusals) == (2, ())
    [row] = read(store, "latency")
    assert [timestamp for timestamp, _ in row] == [NOW_MS - 1000, NOW_MS]
    assert [vars_of(histogram) for _, histogram in row] == [vars_of(ONE), vars_of(CUSTOM)]


def test_the_last_write_of_a_timestamp_wins(store: TelemetryStore) -> None:
    labels = series("latency", pod="a")
    write_histograms(store, {labels: [(NOW_MS, ONE)]})
    write_histograms(store, {labels: [(NOW_MS, CUSTOM)]})
    [[(_, histogram)]] = read(store, "latency")
    assert histogram.schema == CUSTOM_SCHEMA


def test_samples_stand_with_their_series(store: TelemetryStore) -> None:
    write_histograms(
        store, {series("latency", pod="b"): [(NOW_MS, CUSTOM)], series("latency", pod="a"): [(NOW_MS, ONE)]}
    )
    assert [[histogram.schema for _, histogram in row] for row in read(store, "latency")] == [[3], [CUSTOM_SCHEMA]]


def test_series_of_floats_and_histograms_are_the_same(store: TelemetryStore) -> None:
    labels = series("latency", pod="a")
    store.write_samples(sample_batch({labels: [(NOW_MS - 1000, 1.0)]})).result(timeout=30)
    write_histograms(store, {labels: [(NOW_MS, ONE)]})
    found = store.select_series([[Matcher("__name__", MatchOp.EQUAL, "latency")]], EVERYTHING)
    assert len(found.ids) == 1
    assert store.read_samples(found, EVERYTHING).values.tolist() == [1.0]


def test_metrics_without_histograms_are_known_without_a_query(store: TelemetryStore) -> None:
    store.write_samples(sample_batch({series("up"): [(NOW_MS, 1.0)]})).result(timeout=30)
    write_histograms(store, {series("latency"): [(NOW_MS, ONE)]})
    up, latency = (
        store.select_series([[Matcher("__name__", MatchOp.EQUAL, name)]], EVERYTHING) for name in ("up", "latency")
    )
    assert (store.has_histograms(up), store.has_histograms(latency)) == (False, True)


def test_a_sender_s_not_reset_is_not_trusted_but_a_reset_and_a_gauge_are(store: TelemetryStore) -> None:
    hints = (ResetHint.NOT_RESET, ResetHint.RESET, ResetHint.GAUGE)
    columns = [Histogram(0, 1.0, 1.0, hint=hint) for hint in hints]
    write_histograms(store, {series("latency"): [(NOW_MS + at, histogram) for at, histogram in enumerate(columns)]})
    [row] = read(store, "latency")
    assert [histogram.hint for _, histogram in row] == [ResetHint.UNKNOWN, ResetHint.RESET, ResetHint.GAUGE]


def test_samples_outside_of_the_time_window_are_refused_by_name(store: TelemetryStore) -> None:
    receipt = write_histograms(store, {series("latency"): [(NOW_MS, ONE), (NOW_MS + 10 * 86_400_000, ONE)]})
    assert receipt.accepted == 1
    [refusal] = receipt.refusals
    assert refusal.reason == "future_timestamp"
    assert "latency" in refusal.message


def test_deleting_a_service_deletes_its_histograms(store: TelemetryStore) -> None:
    write_histograms(store, {series("latency", service="a"): [(NOW_MS, ONE)]}, service="a")
    write_histograms(store, {series("latency", service="b"): [(NOW_MS, ONE)]}, service="b")
    assert store.delete_service(["a"]) == 1
    assert len(read(store, "latency")) == 1


def test_services_with_histograms_alone_are_seen_and_clear_forgets_them(store: TelemetryStore) -> None:
    write_histograms(store, {series("latency"): [(NOW_MS, ONE)]}, service="a")
    assert store.services_seen()["a"].metrics_ms == NOW_MS
    store.clear()
    assert read(store, "latency") == []
    assert store.services_seen() == {}


numbers = st.floats(allow_nan=False)
sides = st.dictionaries(st.integers(-1000, 1000), numbers, max_size=5).map(
    lambda counts: Buckets(np.array(sorted(counts), np.int64), np.array([counts[i] for i in sorted(counts)], float))
)
histograms = st.builds(
    Histogram, st.integers(-4, 8), numbers, numbers, numbers, numbers, sides, sides, hint=st.sampled_from(ResetHint)
)


@given(st.lists(histograms, max_size=5))
def test_columns_are_the_inverse_of_histograms(values: list[Histogram]) -> None:
    assert [vars_of(one) for one in HistogramColumns.of(values).histograms()] == [vars_of(one) for one in values]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(histograms, min_size=1, max_size=5))
def test_any_histogram_survives_the_store(store: TelemetryStore, values: list[Histogram]) -> None:
    store.clear()
    write_histograms(store, {series("any"): [(NOW_MS + at, one) for at, one in enumerate(values)]})
    [row] = read(store, "any")
    trusted = [
        vars_of(one) | {"hint": one.hint if one.hint is not ResetHint.NOT_RESET else ResetHint.UNKNOWN}
        for one in values
    ]
    assert [vars_of(one) for _, one in row] == trusted
