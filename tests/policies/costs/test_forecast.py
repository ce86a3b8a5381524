"""The forecast follows weekdays and slopes, keeps calm at odd days, and says how wrong it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.costs.forecast import LEAST_DAYS, forecast

WEEKDAYS = np.array([10.0, 11, 12, 11, 10, 4, 3])


def test_a_pure_week_is_foretold_exactly() -> None:
    found = forecast(np.resize(WEEKDAYS, 70), 7)
    assert found
    assert found.expected == pytest.approx(WEEKDAYS)
    assert (found.error_ratio, found.naive_error_ratio) == (pytest.approx(0, abs=1e-9), 0)
    assert found.upper == pytest.approx(found.lower, abs=1e-6)


def test_growth_is_followed_where_the_naive_forecast_lags() -> None:
    history = np.resize(WEEKDAYS, 84) + 0.2 * np.arange(84)
    found = forecast(history, 7)
    assert found
    assert found.method == "weekdays"
    assert found.error_ratio < found.naive_error_ratio / 3
    assert found.expected == pytest.approx(WEEKDAYS + 0.2 * np.arange(84, 91), rel=0.05)


def test_a_few_odd_days_do_not_move_it() -> None:
    history = np.resize(WEEKDAYS, 84)
    odd = history.copy()
    odd[[20, 47, 81]] = 500
    calm, found = forecast(history, 7), forecast(odd, 7)
    assert calm
    assert found
    assert found.expected == pytest.approx(calm.expected, abs=0.5)


def test_the_naive_forecast_is_used_where_it_was_better() -> None:
    history = np.concatenate([np.full(60, 100.0), np.full(40, 10.0)])
    found = forecast(history, 5)
    assert found
    assert found.expected == pytest.approx([10] * 5, abs=1)


def test_too_little_or_broken_history_has_no_forecast() -> None:
    assert forecast(np.ones(LEAST_DAYS - 1), 7) is None
    assert forecast(np.full(60, np.nan), 7) is None
    assert forecast(np.ones(60), 0) is None


@given(st.lists(st.floats(-1e9, 1e9), min_size=LEAST_DAYS, max_size=60), st.integers(1, 40))
def test_limits_enclose_what_is_expected(history: list[float], days: int) -> None:
    found = forecast(np.array(history), days)
    assert found
    assert len(found.expected) == days
    assert (found.lower <= found.expected).all()
    assert (found.expected <= found.upper).all()
    assert np.isfinite(found.upper).all()
