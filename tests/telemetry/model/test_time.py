import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.errors import InvalidInput
from telemetry.model.time import TimeGrid, TimeRange


def test_a_range_that_ends_before_it_starts_is_refused():
    with pytest.raises(InvalidInput, match="end 1 ms is before start 2 ms"):
        TimeRange(2, 1)


@pytest.mark.parametrize("step", [0, -15_000])
def test_a_step_must_be_positive(step):
    with pytest.raises(InvalidInput, match="step must be positive"):
        TimeGrid(0, 60_000, step)


def test_a_grid_ends_at_the_last_whole_step():
    assert TimeGrid(0, 59_999, 15_000).times_ms().tolist() == [0, 15_000, 30_000, 45_000]
    assert TimeGrid(0, 60_000, 15_000).times_ms()[-1] == 60_000


def test_an_instant_is_a_grid_of_one_point():
    assert TimeGrid(7, 7, 1).times_ms().tolist() == [7]


@given(st.integers(0, 2**40), st.integers(0, 10**6), st.integers(1, 10**5))
def test_every_time_of_a_grid_lies_in_it(start, length, step):
    grid = TimeGrid(start, start + length, step)
    times = grid.times_ms()
    assert len(times) == len(grid)
    assert times[0] == start
    assert start + length - step < times[-1] <= start + length
