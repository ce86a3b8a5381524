"""A recorded load is read as it is, or refused with the line at fault."""

import numpy as np
import pytest

from policies.scaling.backtest.load import BadLoad, Wishes, on_steps, read_table


def table(*rows: str, header: str = "timestamp,value") -> list[str]:
    return [header, *rows]


def test_times_may_be_written_in_many_ways() -> None:
    for first, second in [
        ("2026-01-01 00:00:00", "2026-01-01 00:01:00"),
        ("2026-01-01T00:00:00Z", "2026-01-01T01:01:00+01:00"),
        ("1767225600", "1767225660"),
        ("1767225600000", "1767225660000"),
    ]:
        assert read_table(table(f"{first},1", f"{second},2"), Wishes()).seconds.tolist() == [1767225600, 1767225660]


def test_a_minute_column_counts_minutes() -> None:
    recording = read_table(table("0,60", "1,120", header="minute,requests"), Wishes(per_seconds=60))
    assert (recording.seconds.tolist(), recording.values.tolist()) == ([0, 60], [1, 2])


def test_a_table_without_times_needs_its_interval() -> None:
    rows = table("10,1", "20,2", header="cpu,memory")
    with pytest.raises(BadLoad, match="say the interval"):
        read_table(rows, Wishes())
    assert read_table(rows, Wishes(interval_seconds=300)).seconds.tolist() == [0, 300]
    assert read_table(rows, Wishes(interval_seconds=300, value_column="memory")).values.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (["0,1", "60,x"], "line 3: value is 'x'; expected a number"),
        (["0,1", "60,-1"], "line 3: value is -1; expected a finite number that is not negative"),
        (["0,1", "60,inf"], "line 3: value is inf"),
        (["0,1", "soon,2"], "line 3: timestamp is 'soon'; expected a time"),
        (["0,1", "60,2", "30,3"], "line 4: the clock goes from .* back to"),
        (["0,1", "0,2"], "line 3: the clock goes from"),
        ([], "no rows"),
    ],
)
def test_a_fault_is_told_with_its_line(rows: list[str], fault: str) -> None:
    with pytest.raises(BadLoad, match=fault):
        read_table(table(*rows), Wishes())


def test_repairing_leaves_out_what_the_clock_repeats() -> None:
    recording = read_table(table("0,1", "60,2", "30,9", "60,9", "120,3"), Wishes(repair=True))
    assert recording.values.tolist() == [1, 2, 3]
    assert "left out 2 rows whose clock steps back, the first on line 4" in recording.notes


def test_a_counter_becomes_its_rate_across_a_reset() -> None:
    recording = read_table(table("0,100", "10,200", "20,50"), Wishes(counter=True))
    assert recording.values.tolist() == [10, 5]
    assert "the counter was reset 1 times" in recording.notes


def test_a_gap_is_unknown_and_never_zero() -> None:
    recording = read_table(table("0,1", "15,2", "30,3", "105,4", "120,5"), Wishes())
    load = on_steps(recording, 15)
    assert np.isnan(load.values).tolist() == [False, False, False, False, True, True, True, False, False]
    assert load.unknown_minutes == 0.75
    assert recording.notes == ("1 gaps; the first, of 75 s, ends on line 5",)


def test_steps_hold_the_newest_sample() -> None:
    load = on_steps(read_table(table("0,1", "60,2"), Wishes()), 15)
    assert load.values.tolist() == [1, 1, 1, 1, 2, 2, 2, 2]
