"""Functions over windows, for all windows at once, against one window after the other."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.model.samples import RawColumns
from telemetry.promql.kernels import counts, extremes, ordered, rates, sums
from telemetry.promql.values import Floats, Mask
from telemetry.promql.windows import Windows, samples_until, windows_of
from tests.telemetry.promql import reference
from tests.telemetry.promql.reference import Window

VALUES = st.one_of(
    st.floats(-1e6, 1e6),
    st.integers(0, 50).map(float),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e100, -1e100]),
)
COUNTER_VALUES = st.integers(0, 2000).map(lambda number: number / 8)


def series_of(values: st.SearchStrategy[float]) -> st.SearchStrategy[list[tuple[int, float]]]:
    """Samples at ascending times from 0 to 100 s."""
    times = st.lists(st.integers(0, 100_000), max_size=25, unique=True).map(sorted)
    return times.flatmap(
        lambda chosen: st.lists(values, min_size=len(chosen), max_size=len(chosen)).map(
            lambda found: list(zip(chosen, found, strict=True))
        )
    )


@st.composite
def looks(draw: st.DrawFn, values: st.SearchStrategy[float] = VALUES) -> tuple[list[Window], list[int], int]:
    """(series, ends of windows, their length)"""
    series = draw(st.lists(series_of(values), min_size=1, max_size=4))
    start, step = draw(st.integers(-20_000, 100_000)), draw(st.integers(1, 30_000))
    ends = [start + step * number for number in range(draw(st.integers(1, 8)))]
    return series, ends, draw(st.integers(1, 60_000))


def columns_of(series: list[Window]) -> RawColumns:
    flat = [sample for one in series for sample in one]
    return RawColumns(
        np.cumsum([0, *map(len, series)]),
        np.array([at for at, _ in flat], dtype=np.int64),
        np.array([value for _, value in flat], dtype=np.float64),
    )


def window_of(samples: Window, end: int, length: int) -> Window:
    return [(at, value) for at, value in samples if end - length < at <= end]


def check(
    look: tuple[list[Window], list[int], int],
    kernel: Callable[[Windows], tuple[Floats, Mask]],
    expected: Callable[[Window, int, int], float | None],
    tolerance: float = 1e-12,
) -> None:
    """Every window of `kernel` has what `expected(window, end, length)` gives, None for nothing."""
    series, ends, length = look
    times = np.array(ends)
    with np.errstate(all="ignore"):
        values, present = kernel(windows_of(columns_of(series), times, times, length))
    wanted = [expected(window_of(one, end, length), end, length) for one in series for end in ends]
    for value, shown, want in zip(values.tolist(), present.tolist(), wanted, strict=True):
        assert shown == (want is not None)
        if want is not None:
            same = math.isnan(value) if math.isnan(want) else math.isclose(value, want, rel_tol=tolerance)
            assert same, (value, want)


def of_values(function: Callable[[Window], float]) -> Callable[[Window, int, int], float | None]:
    return lambda window, end, length: function(window) if window else None


@given(looks())
def test_samples_are_counted_up_to_each_edge(look: tuple[list[Window], list[int], int]) -> None:
    series, ends, _ = look
    columns = columns_of(series)
    until = samples_until(columns, np.array(ends))
    for row, samples in enumerate(series):
        expected = [sum(at <= end for at, _ in samples) for end in ends]
        assert (until[row] - columns.offsets[row]).tolist() == expected


def test_edges_that_are_all_equal_are_one_edge_repeated() -> None:
    columns = columns_of([[(10, 1.0), (20, 2.0)], [(15, 3.0)]])
    assert samples_until(columns, np.array([15, 15, 15])).tolist() == [[1, 1, 1], [3, 3, 3]]


@given(looks())
def test_sum_over_time(look: tuple[list[Window], list[int], int]) -> None:
    check(look, sums.sum_over_time, of_values(reference.sum_over_time))


@given(looks(st.integers(-1000, 1000).map(float)))
def test_sum_over_time_of_whole_numbers_is_exact(look: tuple[list[Window], list[int], int]) -> None:
    check(look, sums.sum_over_time, of_values(lambda window: float(sum(value for _, value in window))), 0.0)


@given(looks(st.floats(-1e9, 1e9)))
def test_avg_over_time(look: tuple[list[Window], list[int], int]) -> None:
    check(look, sums.avg_over_time, of_values(lambda window: reference.sum_over_time(window) / len(window)))


def test_avg_over_time_does_not_overflow() -> None:
    huge = [(at, 1.5e308) for at in range(1, 6)]
    check(([huge], [10], 100), sums.avg_over_time, lambda window, end, length: 1.5e308)


@given(looks(st.floats(-1e6, 1e6)))
def test_stdvar_over_time(look: tuple[list[Window], list[int], int]) -> None:
    def variance(window: Window) -> float:
        mean = math.fsum(value for _, value in window) / len(window)
        return math.fsum((value - mean) ** 2 for _, value in window) / len(window)

    series, ends, length = look
    times = np.array(ends)
    values, present = sums.stdvar_over_time(windows_of(columns_of(series), times, times, length))
    wanted = [window_of(one, end, length) for one in series for end in ends]
    for value, shown, window in zip(values.tolist(), present.tolist(), wanted, strict=True):
        assert shown == bool(window)
        if window:
            assert value == pytest.approx(variance(window), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("counter", [True, False])
@given(look=looks())
def test_rate_increase_and_delta(look: tuple[list[Window], list[int], int], *, counter: bool) -> None:
    for per_second in (True, False):
        check(
            look,
            lambda windows, per=per_second: rates.extrapolated(windows, counter=counter, per_second=per),
            lambda window, end, length, per=per_second: reference.extrapolated(
                window, end, length, counter=counter, per_second=per
            ),
        )


@given(looks(COUNTER_VALUES))
def test_rate_of_counters_with_many_resets(look: tuple[list[Window], list[int], int]) -> None:
    check(
        look,
        rates.rate,
        lambda window, end, length: reference.extrapolated(window, end, length, counter=True, per_second=True),
        0.0,
    )


@pytest.mark.parametrize("counter", [True, False])
@given(look=looks())
def test_irate_and_idelta(look: tuple[list[Window], list[int], int], *, counter: bool) -> None:
    check(
        look,
        lambda windows: rates.instant(windows, counter=counter),
        lambda window, end, length: reference.instant(window, counter=counter),
        0.0,
    )


@given(looks())
def test_counting_functions(look: tuple[list[Window], list[int], int]) -> None:
    check(look, counts.changes, of_values(reference.changes), 0.0)
    check(look, counts.resets, of_values(reference.resets), 0.0)
    check(look, counts.count_over_time, of_values(lambda window: float(len(window))), 0.0)
    check(look, counts.present_over_time, of_values(lambda window: 1.0), 0.0)
    check(look, counts.last_over_time, of_values(lambda window: window[-1][1]), 0.0)
    check(look, counts.first_over_time, of_values(lambda window: window[0][1]), 0.0)
    check(look, counts.ts_of_last_over_time, of_values(lambda window: window[-1][0] / 1000), 0.0)
    check(look, counts.ts_of_first_over_time, of_values(lambda window: window[0][0] / 1000), 0.0)


@pytest.mark.parametrize("largest", [True, False])
@given(look=looks())
def test_extremes_and_when_they_were(look: tuple[list[Window], list[int], int], *, largest: bool) -> None:
    kernel = extremes.max_over_time if largest else extremes.min_over_time
    check(look, kernel, of_values(lambda window: reference.extreme(window, largest=largest, time=False)), 0.0)
    time_kernel = extremes.ts_of_max_over_time if largest else extremes.ts_of_min_over_time
    check(look, time_kernel, of_values(lambda window: reference.extreme(window, largest=largest, time=True)), 0.0)


@settings(max_examples=60)
@given(looks(), st.sampled_from([-1.0, 0.0, 0.1, 0.5, 0.99, 1.0, 1.5, math.nan]))
def test_quantile_over_time(look: tuple[list[Window], list[int], int], q: float) -> None:
    check(
        look,
        lambda windows: ordered.quantile_over_time(windows, np.full(len(windows.first), q)),
        of_values(lambda window: reference.quantile([value for _, value in window], q)),
    )


@given(looks())
def test_mad_over_time(look: tuple[list[Window], list[int], int]) -> None:
    check(look, ordered.mad_over_time, of_values(reference.mad))
