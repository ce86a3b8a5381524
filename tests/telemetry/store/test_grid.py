import itertools
import math

import numpy as np
import pytest

from telemetry.model.errors import LimitExceeded
from telemetry.model.samples import STALE_NAN
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.store import GridFunction
from telemetry.store.sample_reader import SampleReader
from tests.telemetry.batches import NOW_MS, sample_batch, series
from tests.telemetry.store.test_sample_reading import _with_limit

STEP = 15_000
START = NOW_MS - 600_000
GRID = TimeGrid(START, NOW_MS, 60_000)
DAY = TimeRange(NOW_MS - 86_400_000, NOW_MS)


def write(store, samples):
    store.write_samples(sample_batch(samples)).result(30)
    store.flush()  # some of these tests ask the engine behind the store's back


def grid(store, function, grid_=GRID, window_ms=300_000):
    return store.grid(store.select_series([], DAY), function, grid_, window_ms)


def extrapolated(pairs, at, window, *, counter, per_second):
    """Prometheus' extrapolatedRate over the left-open window.

    Source: promql/functions.go of Prometheus 3
    """
    inside = [(t, v) for t, v in pairs if at - window < t <= at and not math.isnan(v)]
    if len(inside) < 2:
        return None
    (first_t, first_v), (last_t, last_v) = inside[0], inside[-1]
    delta = last_v - first_v
    if counter:
        delta += sum(before for (_, before), (_, after) in itertools.pairwise(inside) if after < before)
    sampled = (last_t - first_t) / 1000
    to_start, to_end = (first_t - (at - window)) / 1000, (at - last_t) / 1000
    average = sampled / (len(inside) - 1)
    to_start = to_start if to_start < average * 1.1 else average / 2
    if counter and delta > 0 and first_v >= 0:
        to_start = min(to_start, sampled * (first_v / delta))
    to_end = to_end if to_end < average * 1.1 else average / 2
    result = delta * (sampled + to_start + to_end) / sampled
    return result / (window / 1000) if per_second else result


def counter_with_reset():
    values = [100.0 + 7 * i if i < 22 else 3.0 * (i - 21) for i in range(41)]
    return [(START + i * STEP, value) for i, value in enumerate(values)]


def assert_equal(frame, row, expected):
    assert frame.present[row].tolist() == [value is not None for value in expected]
    wanted = [math.nan if value is None else value for value in expected]
    np.testing.assert_allclose(frame.values[row], wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "counter", "per_second"),
    [(GridFunction.RATE, True, True), (GridFunction.INCREASE, True, False), (GridFunction.DELTA, False, False)],
)
@pytest.mark.parametrize("window_ms", [60_000, 300_000, 37_000])
def test_rates_equal_those_of_prometheus(store, function, counter, per_second, window_ms):
    pairs = counter_with_reset()
    write(store, {series("requests_total"): pairs})
    frame = grid(store, function, window_ms=window_ms)
    expected = [extrapolated(pairs, at, window_ms, counter=counter, per_second=per_second) for at in GRID.times_ms()]
    assert_equal(frame, 0, expected)


def test_instant_rates_use_the_last_two_samples(store):
    write(store, {series("c"): [(NOW_MS - 30_000, 10.0), (NOW_MS - 15_000, 40.0), (NOW_MS, 100.0)]})
    instant = TimeGrid(NOW_MS, NOW_MS, 1)
    assert grid(store, GridFunction.INSTANT_RATE, instant).values.tolist() == [[4.0]]
    assert grid(store, GridFunction.INSTANT_DELTA, instant).values.tolist() == [[60.0]]


def test_the_window_is_open_at_its_start_and_closed_at_its_end(store):
    write(store, {series("g"): [(NOW_MS - 300_000, 1.0)]})
    frame = grid(store, GridFunction.LAST, TimeGrid(NOW_MS - 300_000, NOW_MS, 299_999))
    assert frame.present.tolist() == [[True, True]]
    frame = grid(store, GridFunction.LAST, TimeGrid(NOW_MS, NOW_MS, 1))
    assert frame.present.tolist() == [[False]]


def test_a_staleness_marker_ends_a_series_at_once(store):
    write(store, {series("g"): [(START, 5.0), (START + 60_000, STALE_NAN), (START + 240_000, 6.0)]})
    frame = grid(store, GridFunction.LAST)
    assert_equal(frame, 0, [5.0, None, None, None, 6.0, 6.0, 6.0, 6.0, 6.0, None, None])


def test_an_ordinary_nan_is_a_value(store):
    write(store, {series("g"): [(NOW_MS, math.nan)]})
    frame = grid(store, GridFunction.LAST, TimeGrid(NOW_MS, NOW_MS, 1))
    assert frame.present.tolist() == [[True]]
    assert np.isnan(frame.values).tolist() == [[True]]


def test_a_staleness_marker_is_no_sample_of_a_rate(store):
    plain = [(START + i * STEP, float(i)) for i in range(41)]
    write(store, {series("a_total"): plain, series("b_total"): [*plain, (START + 7 * STEP + 1, STALE_NAN)]})
    frame = grid(store, GridFunction.RATE)
    np.testing.assert_array_equal(frame.values[0], frame.values[1])
    np.testing.assert_array_equal(frame.present[0], frame.present[1])


@pytest.mark.parametrize("values", [(1.0, 50.0), (50.0, 1.0)])
def test_of_a_sample_written_twice_the_last_counts(store, values):
    pairs = [(START + i * STEP, float(i)) for i in range(41)]
    write(store, {series("c_total"): [*pairs[:20], (pairs[20][0], values[0]), *pairs[21:]]})
    write(store, {series("c_total"): [(pairs[20][0], values[1])]})
    final = [*pairs[:20], (pairs[20][0], values[1]), *pairs[21:]]
    frame = grid(store, GridFunction.RATE)
    expected = [extrapolated(final, at, 300_000, counter=True, per_second=True) for at in GRID.times_ms()]
    assert_equal(frame, 0, expected)


def test_repeated_batches_change_nothing(store):
    pairs = counter_with_reset()
    for _ in range(3):
        write(store, {series("requests_total"): pairs})
    expected = [extrapolated(pairs, at, 300_000, counter=True, per_second=True) for at in GRID.times_ms()]
    assert_equal(grid(store, GridFunction.RATE), 0, expected)


def test_rows_stand_in_the_order_of_the_series_and_keep_those_without_a_point(store):
    samples = {series("g", i=f"{i:02}"): [(NOW_MS, float(i))] for i in range(12)}
    write(store, samples)
    write(store, {series("g", i="99"): [(NOW_MS - 3_000_000, 1.0)]})
    frame = grid(store, GridFunction.LAST, TimeGrid(NOW_MS, NOW_MS, 1))
    assert frame.labels == sorted([*samples, series("g", i="99")])
    assert frame.values[:12, 0].tolist() == [float(i) for i in range(12)]
    assert frame.present[:, 0].tolist() == [True] * 12 + [False]


def test_equal_labels_of_two_senders_are_one_row_of_a_grid(store):
    labels = series("g")
    store.write_samples(sample_batch({labels: [(START, 1.0)]}), service="red").result(30)
    store.write_samples(sample_batch({labels: [(START + 120_000, 2.0)]}), service="blue").result(30)
    assert_equal(grid(store, GridFunction.LAST), 0, [1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, None, None, None, None])


@pytest.mark.parametrize("step_ms", [1, 7, 999, 1001, 60_001])
def test_any_millisecond_may_be_a_step(store, step_ms):
    write(store, {series("g"): [(NOW_MS - 5 * step_ms, 1.0), (NOW_MS, 2.0)]})
    frame = grid(store, GridFunction.LAST, TimeGrid(NOW_MS - 10 * step_ms, NOW_MS, step_ms), 5 * step_ms)
    assert_equal(frame, 0, [None] * 5 + [1.0] * 5 + [2.0])


def test_a_grid_whose_end_is_no_whole_step_stops_before_it(store):
    write(store, {series("g"): [(NOW_MS - 100_000, 1.0)]})
    frame = grid(store, GridFunction.LAST, TimeGrid(NOW_MS - 100_000, NOW_MS - 1, 60_000))
    assert frame.times_ms.tolist() == [NOW_MS - 100_000, NOW_MS - 40_000]
    assert frame.values.tolist() == [[1.0, 1.0]]


def test_no_series_give_an_empty_frame(store):
    frame = grid(store, GridFunction.RATE)
    assert (frame.labels, frame.values.shape, frame.present.shape) == ([], (0, 11), (0, 11))


def test_a_grid_over_too_many_samples_is_refused_by_name(store):
    write(store, {series("m", i=str(i)): [(NOW_MS - 1000 * t, 1.0) for t in range(100)] for i in range(10)})
    small = SampleReader(store.engine, _with_limit(store, 500), {})
    found = store.select_series([], DAY)
    with pytest.raises(LimitExceeded, match="would read 1000 samples; the limit is 500"):
        small.grid(found, GridFunction.RATE, GRID, 300_000)
