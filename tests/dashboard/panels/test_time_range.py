"""What people type as a time range, and the grids that come of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.panels.time_range import DAY, HOUR, MINUTE, PageRange, duration_ms, page_range, read_moment, read_range
from telemetry.model.errors import InvalidInput

NOW = int(datetime(2026, 11, 22, 14, 30, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("now-90m", NOW - 90 * MINUTE),
        ("now-1h30m", NOW - 90 * MINUTE),
        ("now-2d", NOW - 2 * DAY),
        ("1700000000", 1_700_000_000_000),
        ("1700000000123", 1_700_000_000_123),
        ("2026-11-22 14:00", NOW - 30 * MINUTE),
        ("2026-11-22T15:00:00+01:00", NOW - 30 * MINUTE),
        ("2026-11-22", NOW - 14 * HOUR - 30 * MINUTE),
    ],
)
def test_a_moment_is_read(text: str, expected: int) -> None:
    assert read_moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "now+1h", "now-", "now-5", "-5m", "9" * 30, "2026-13-01", "\x00"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a time"):
        read_moment(text, NOW)


def test_a_bare_duration_reaches_back_from_the_end() -> None:
    assert read_range("2h", "now", NOW) == PageRange("now-2h", "now", NOW - 2 * HOUR, NOW)


def test_yesterday_is_the_whole_day_before() -> None:
    found = read_range("yesterday", "now", NOW)
    assert (found.start, found.end.date()) == (datetime(2026, 11, 21, tzinfo=UTC), found.start.date())
    assert not found.is_live


def test_today_starts_at_midnight_and_is_live() -> None:
    assert read_range("today", "now", NOW).start == datetime(2026, 11, 22, tzinfo=UTC)
    assert read_range("today", "now", NOW).is_live


@pytest.mark.parametrize(("start", "end"), [("now", "now-1h"), ("now-20y", "now"), ("now-60y", "now")])
def test_an_empty_or_endless_range_is_refused(start: str, end: str) -> None:
    with pytest.raises(InvalidInput):
        read_range(start, end, NOW)


def test_a_page_with_a_bad_range_shows_the_default_and_says_so() -> None:
    found = page_range({"from": "tea time"}, now_ms=NOW)
    assert (found.label, found.error[:11]) == ("Last 6 hours", "'tea time' ")


@given(st.integers(10_000, 9 * 365 * DAY), st.integers(130, 500))
def test_a_grid_lies_in_its_range_and_keeps_to_its_points(span: int, points: int) -> None:
    chosen = PageRange("", "", NOW - span, NOW)
    grid = chosen.grid(points)
    assert grid.end_ms <= NOW
    assert grid.start_ms % grid.step_ms == grid.end_ms % grid.step_ms == 0
    assert len(grid) == 1 or (grid.start_ms >= chosen.start_ms and len(grid) <= points + 1)


@given(st.integers(20_000, 4 * 365 * DAY))
def test_zooming_out_shows_all_that_was_shown(span: int) -> None:
    chosen = PageRange("", "", NOW - span, NOW - 1)
    wider = read_range(*chosen.wider, NOW)
    assert wider.start_ms <= chosen.start_ms <= chosen.end_ms <= wider.end_ms


def test_zooming_out_of_a_live_range_keeps_it_live() -> None:
    assert read_range("now-6h", "now", NOW).wider == ("now-12h", "now")
    assert read_range("now-6h", "now", NOW).narrower == ("now-3h", "now")


def test_steps_are_durations_and_never_zero() -> None:
    assert duration_ms("1h30m") == 90 * MINUTE
    for text in ("", "0s", "5", "now", "5 m"):
        with pytest.raises(InvalidInput):
            duration_ms(text)


def test_labels_name_quick_ranges_and_both_ends_of_others() -> None:
    assert read_range("now-7d", "now", NOW).label == "Last 7 days"
    assert read_range("45m", "now", NOW).label == "Last 45m"
    assert read_range("2026-11-22 10:00", "2026-11-22 12:30", NOW).label == "22 Nov 10:00 to 12:30"
