"""Figures are valid Plotly, keep gaps as gaps, and say in words what they show."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly import graph_objects

from dashboard.panels.figures import (
    Band,
    Line,
    Mark,
    Style,
    Threshold,
    bar_figure,
    rounded_list,
    time_series_figure,
)
from dashboard.panels.sparkline import HEIGHT, WIDTH, sparkline_paths
from dashboard.panels.units import unit_named
from telemetry.model.time import TimeGrid

GRID = TimeGrid(1_700_000_000_000, 1_700_000_240_000, 60_000)
NAN = float("nan")


def test_a_figure_with_everything_is_valid_plotly() -> None:
    figure = time_series_figure(
        [Line("used", [1, 2, NAN, 4, 5]), Line("limit", [9, 9, 9, 9, 9], "none", hidden=True)],
        GRID,
        title="Memory",
        unit="bytes",
        marks=[Mark(GRID.start_ms + 60_000, "api 1.2")],
        thresholds=[Threshold(8, "full", "crit")],
        bands=[Band("expected", [0, 0, 0, 0, 0], [3, 3, 3, 3, 3])],
        style=Style(kind="area", stepped=True),
    )
    graph_objects.Figure(figure)
    json.dumps(figure, allow_nan=False)


@pytest.mark.parametrize("kind", ["line", "area", "bar"])
@pytest.mark.parametrize("stacked", [False, True])
def test_each_kind_is_valid_plotly(kind: str, stacked: bool) -> None:
    figure = time_series_figure([Line("a", [1, 2, 3, 4, 5])], GRID, title="t", style=Style(kind=kind, stacked=stacked))
    graph_objects.Figure(figure)


def test_a_gap_stays_a_gap() -> None:
    figure = time_series_figure([Line("a", [1, NAN, float("inf"), 4, 5])], GRID, title="t")
    assert figure["data"][0]["y"] == [1.0, None, None, 4.0, 5.0]
    assert figure["data"][0]["connectgaps"] is False


def test_a_value_between_two_gaps_is_drawn_as_a_point() -> None:
    figure = time_series_figure([Line("a", [NAN, 2, NAN, 4, 5])], GRID, title="t")
    assert figure["data"][0]["mode"] == "lines+markers"


def test_a_line_without_values_is_left_out_and_nothing_is_left() -> None:
    figure = time_series_figure([Line("a", [NAN] * 5)], GRID, title="t", bands=[Band("b", [0] * 5, [1] * 5)])
    assert figure["data"] == []


def test_the_axis_takes_the_scale_that_suits_the_values() -> None:
    figure = time_series_figure([Line("p95", [0.05, 0.1, 0.12, 0.2, 0.1])], GRID, title="Latency", unit="seconds")
    assert figure["layout"]["meta"]["unit_words"] == "ms"
    assert figure["data"][0]["y"][0] == 50.0


def test_a_threshold_is_scaled_with_the_values() -> None:
    figure = time_series_figure(
        [Line("x", [0.1] * 5)], GRID, title="t", unit="ratio", thresholds=[Threshold(0.5, "half")]
    )
    assert figure["layout"]["shapes"][0]["y0"] == 50.0


def test_marks_outside_the_range_are_not_drawn() -> None:
    marks = [Mark(GRID.start_ms - 1, "before"), Mark(GRID.end_ms + 1, "after"), Mark(GRID.start_ms, "in")]
    figure = time_series_figure([Line("x", [1] * 5)], GRID, title="t", marks=marks)
    assert [note["hovertext"] for note in figure["layout"]["annotations"]] == ["in"]


def test_the_summary_says_least_mean_greatest_and_last() -> None:
    figure = time_series_figure([Line("all", [1, 2, 3, 4, NAN])], GRID, title="t", unit="requests_per_second")
    assert figure["layout"]["meta"]["summary"] == "all: min 1, average 2.5, max 4, last 4 requests/s."


def test_lines_beyond_what_can_be_told_apart_are_counted() -> None:
    figure = time_series_figure([Line(str(n), [n] * 5) for n in range(30)], GRID, title="t")
    assert len(figure["data"]) == 24
    assert figure["layout"]["meta"]["dropped"] == 6


def test_bars_are_drawn_over_the_time_they_count() -> None:
    figure = time_series_figure([Line("n", [1] * 5)], GRID, title="t", style=Style(kind="bar"))
    assert figure["data"][0]["offset"] == 0
    assert figure["data"][0]["width"] <= GRID.step_ms


def test_lying_bars_are_valid_and_start_at_zero() -> None:
    figure = bar_figure(["a", "b"], [3, 1], title="Spend", unit="usd", role="accent")
    graph_objects.Figure(figure)
    assert figure["layout"]["xaxis"]["rangemode"] == "tozero"
    assert bar_figure([], [], title="t")["data"] == []


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=50))
def test_numbers_survive_with_five_digits_and_everything_else_is_a_gap(values: list[float]) -> None:
    for value, shown in zip(values, rounded_list(np.array(values, dtype=np.float64)), strict=True):
        if np.isfinite(value):
            assert shown == pytest.approx(value, rel=1e-4)
        else:
            assert shown is None


@given(st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12)), max_size=60))
def test_a_sparkline_stays_inside_its_box(values: list[float | None]) -> None:
    line, area = sparkline_paths(values)
    for pair in line.replace("h0.1", "").replace("M", " ").replace("L", " ").split("  "):
        numbers = [float(part) for part in pair.split()]
        assert all(0 <= x <= WIDTH for x in numbers[::2])
        assert all(0 <= y <= HEIGHT for y in numbers[1::2])
    if all(value is None for value in values):
        assert (line, area) == ("", "")


def test_a_sparkline_breaks_where_a_value_is_missing() -> None:
    assert sparkline_paths([1, 2, None, 3, 4])[0].count("M") == 2


@given(st.floats(0, 1e18))
def test_a_scale_never_makes_a_value_vanish(value: float) -> None:
    for name in ("seconds", "bytes", "bytes_per_second"):
        factor, _ = unit_named(name).scale_for([value])
        assert value == 0 or value * factor > 0
