"""The forecast against growth that is known, and against noise it has not seen."""

import numpy as np
import pytest

from policies.scaling.exhaustion import HOURS, exhaustion, forecast


def growing(days: int, per_day: float, noise: float = 0.0, seed: int = 3) -> np.ndarray:
    hours = np.arange(days * HOURS)
    daily = 10 * np.sin(2 * np.pi * hours / HOURS)
    return 100 + per_day * (hours // HOURS) + daily + np.random.default_rng(seed).normal(0, noise, hours.size)


def test_a_steady_growth_with_a_daily_pattern_is_continued_exactly() -> None:
    ahead = forecast(growing(10, 2.0), 48)
    assert ahead.expected == pytest.approx(growing(12, 2.0)[-48:])
    assert ahead.slope_per_day == pytest.approx(2.0)
    assert ahead.median_error_ratio == pytest.approx(0.0, abs=1e-9)


def test_one_wild_day_does_not_bend_the_trend() -> None:
    values = growing(14, 2.0)
    values[7 * HOURS : 8 * HOURS] *= 20
    assert forecast(values, 24).slope_per_day == pytest.approx(2.0, abs=0.05)


def test_the_interval_holds_about_the_share_of_unseen_days_that_it_names() -> None:
    held = []
    for seed in range(40):
        values = growing(15, 1.0, noise=5.0, seed=seed)
        ahead, truth = forecast(values[:-HOURS], HOURS), values[-HOURS:]
        held.append(((truth >= ahead.lower) & (truth <= ahead.upper)).mean())
    assert 0.7 < np.mean(held) < 0.92


def test_exhaustion_is_the_first_hour_at_the_capacity_and_the_edge_comes_no_later() -> None:
    ahead = forecast(growing(10, 2.0, noise=1.0), 24 * 30)
    reached = exhaustion(ahead, 160.0)
    assert reached.expected_hours is not None
    assert reached.earliest_hours is not None
    assert reached.earliest_hours <= reached.expected_hours
    assert ahead.expected[reached.expected_hours - 1] >= 160.0
    assert (ahead.expected[: reached.expected_hours - 1] < 160.0).all()


def test_a_shrinking_use_is_never_exhausted() -> None:
    assert exhaustion(forecast(growing(10, -2.0), 24 * 30), 160.0).expected_hours is None


def test_unknown_hours_are_left_out() -> None:
    values = growing(12, 2.0)
    values[30:70] = np.nan
    assert forecast(values, 24).expected == pytest.approx(growing(13, 2.0)[-24:])


def test_too_short_a_history_is_refused_with_what_is_needed() -> None:
    with pytest.raises(ValueError, match="3 days are recorded; a forecast with a tested error needs 5"):
        forecast(growing(3, 1.0), 24)


def test_an_hour_that_was_never_recorded_lies_between_its_neighbours() -> None:
    values = growing(12, 2.0)
    values[5::HOURS] = np.nan
    ahead = forecast(values, 24).expected
    assert min(ahead[4], ahead[6]) <= ahead[5] <= max(ahead[4], ahead[6])
