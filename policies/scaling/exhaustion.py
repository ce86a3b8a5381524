"""When a resource will be full: a robust trend with the daily pattern on top, and an interval that was tested.

The trend is the median slope between days at the same hour (Theil, 1950; Sen, 1968), so an outlier or a single busy day
does not bend it. The interval is made of the errors that the same forecast made on days it had not seen, and widens
with the root of the days ahead, as the sum of independent daily errors does.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOURS: Final = 24
LEAST_DAYS: Final = 4
"""Of history: with fewer neither slope nor error can be told."""
COVERAGE: Final = 0.8
"""Share of the tested errors that the interval holds."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Values of the hours ahead, float64[H], with the interval that holds COVERAGE of the tested errors."""

    expected: Floats
    lower: Floats
    upper: Floats
    slope_per_day: float
    median_error_ratio: float
    """Of the tested hours: median of |forecast - truth| / truth, on days that were held out."""
    tested_days: int


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """Hours from the end of the history until the capacity is reached; None: not within the hours ahead."""

    expected_hours: int | None
    earliest_hours: int | None
    """By the upper edge of the interval."""


def forecast(hourly: Floats, hours_ahead: int) -> Forecast:
    """Forecast from hourly values, NaN where unknown, oldest first. Raises ValueError for less than LEAST_DAYS."""
    days = _by_day(hourly)
    errors = _tested_errors(days)
    expected, slope = _extrapolated(days, hours_ahead)
    absolute = np.abs(errors[:, 0])
    spread = float(np.quantile(absolute, COVERAGE)) if absolute.size else float("nan")
    growth = np.sqrt(1 + np.arange(hours_ahead) / HOURS)
    truth = errors[:, 1]
    some = truth > 0
    ratio = float(np.median(absolute[some] / truth[some])) if some.any() else float("nan")
    edges = expected - spread * growth, expected + spread * growth
    return Forecast(expected, *edges, slope, ratio, len(days) - LEAST_DAYS)


def exhaustion(ahead: Forecast, capacity: float) -> Exhaustion:
    """First hours at which the forecast, and the upper edge of its interval, reach `capacity`."""
    return Exhaustion(_first(ahead.expected >= capacity), _first(ahead.upper >= capacity))


def _first(reached: NDArray[np.bool_]) -> int | None:
    return int(np.argmax(reached)) + 1 if reached.any() else None


def _by_day(hourly: Floats) -> Floats:
    """float64[days, 24], whole days that end with the last hour; days without any value at the start are left out."""
    whole = hourly[len(hourly) % HOURS :].reshape(-1, HOURS)
    known = np.isfinite(whole).any(axis=1)
    days = whole[int(np.argmax(known)) :] if known.any() else whole[:0]
    if np.isfinite(days).any(axis=1).sum() <= LEAST_DAYS:
        raise ValueError(
            f"{int(np.isfinite(days).any(axis=1).sum())} days are recorded; a forecast with a tested error needs "
            f"{LEAST_DAYS + 1}"
        )
    return days


def _extrapolated(days: Floats, hours_ahead: int) -> tuple[Floats, float]:
    """(values of the hours ahead, slope a day)."""
    slope = _slope(days)
    numbers = np.arange(len(days))[:, np.newaxis]
    known = np.isfinite(days).any(axis=0)
    level = np.nanmedian((days - slope * numbers)[:, known], axis=0)
    level = np.interp(np.arange(HOURS), np.flatnonzero(known), level)
    ahead = np.arange(hours_ahead)
    return level[ahead % HOURS] + slope * (len(days) + ahead // HOURS), slope


def _slope(days: Floats) -> float:
    """Median of the slopes between all pairs of days, each at the same hour."""
    first, second = np.triu_indices(len(days), 1)
    slopes = (days[second] - days[first]) / (second - first)[:, np.newaxis]
    return float(np.nanmedian(slopes))


def _tested_errors(days: Floats) -> Floats:
    """float64[N, 2]: (error, truth) of the day after each beginning of the history, from LEAST_DAYS on."""
    found = []
    for seen in range(LEAST_DAYS, len(days)):
        if np.isfinite(days[:seen]).any(axis=1).sum() < 2:
            continue
        guessed, _ = _extrapolated(days[:seen], HOURS)
        truth = days[seen]
        known = np.isfinite(truth) & np.isfinite(guessed)
        found.append(np.stack([guessed[known] - truth[known], truth[known]], axis=1))
    return np.concatenate(found) if found else np.empty((0, 2))
