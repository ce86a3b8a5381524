"""Where spend is going: level, slope and weekdays estimated robustly, with an interval from its own past errors.

The days are taken apart into a level with a slope (Theil and Sen: the median of the slopes of all pairs, so that one
odd day moves nothing) and a part of the weekday (the median of what is left). The interval is what the same
method missed by when it was run on earlier parts of the same history. It is shown beside the naive forecast, the same
day of last week again, and gives way to it where that was better.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Method = Literal["weekdays", "naive"]

WEEK: Final = 7
LEAST_DAYS: Final = 28
"""Two weeks to learn from and two to be tested on."""
MOST_DAYS: Final = 120
HORIZON: Final = 14
"""Days that each back-test foretells."""
FOLDS: Final = 6
COVERAGE: Final = 0.8
"""Share of past errors that the interval holds."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """float64[days] each: what is expected on the days that follow, and limits that hold COVERAGE of past errors."""

    expected: Floats
    lower: Floats
    upper: Floats
    method: Method
    """What `expected` comes from: the one with the smaller error."""
    error_ratio: float
    """Sum of absolute errors of the back-test over the sum of absolute spend, of the weekday method."""
    naive_error_ratio: float
    """The same for "the same day of last week"."""
    total_error_ratio: float
    """COVERAGE quantile of how far the sum over a test's days was off, relative to it."""


def forecast(history: Floats, days: int) -> Forecast | None:
    """Spend of the `days` after `history` (float64[d], whole consecutive days); None with too little history."""
    known = history[-MOST_DAYS:]
    if len(known) < LEAST_DAYS or days < 1 or not np.isfinite(known).all():
        return None
    errors, naive_errors, actual = _backtest(known)
    whole = float(np.abs(actual).sum())
    method: Method = "weekdays" if np.abs(errors).sum() <= np.abs(naive_errors).sum() else "naive"
    missed = errors if method == "weekdays" else naive_errors
    expected = _weekdays(known, days) if method == "weekdays" else _naive(known, days)
    wide = float(np.quantile(np.abs(missed), COVERAGE))
    sums = np.abs(actual.sum(axis=1))
    off = np.abs(missed.sum(axis=1))
    return Forecast(
        expected=expected,
        lower=expected - wide,
        upper=expected + wide,
        method=method,
        error_ratio=_ratio(float(np.abs(errors).sum()), whole),
        naive_error_ratio=_ratio(float(np.abs(naive_errors).sum()), whole),
        total_error_ratio=_ratio(float(np.quantile(off, COVERAGE)), float(np.median(sums))),
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _backtest(known: Floats) -> tuple[Floats, Floats, Floats]:
    """(errors, errors of the naive forecast, what was), float64[folds, HORIZON]: each fold knows only its past."""
    ends = [end for fold in range(FOLDS) if (end := len(known) - HORIZON - fold * WEEK) >= 2 * WEEK]
    actual = np.stack([known[end : end + HORIZON] for end in ends])
    own = np.stack([_weekdays(known[:end], HORIZON) for end in ends])
    naive = np.stack([_naive(known[:end], HORIZON) for end in ends])
    return own - actual, naive - actual, actual


def _naive(known: Floats, days: int) -> Floats:
    return np.resize(known[-WEEK:], days)


def _weekdays(known: Floats, days: int) -> Floats:
    level, slope, weekday = _parts(known)
    ahead = np.arange(len(known), len(known) + days)
    # A slope seen over weeks is not carried on for ever: it fades with a half life of four weeks.
    steps = np.cumsum(0.5 ** (np.arange(1, days + 1) / (4 * WEEK)))
    return level + slope * steps + weekday[ahead % WEEK]


def _parts(known: Floats) -> tuple[float, float, Floats]:
    """(level on the last day, slope a day, float64[7] part of each weekday counted from the first day)."""
    at = np.arange(len(known))
    weekday = np.zeros(WEEK)
    slope = 0.0
    # The slope needs days without their weekday and the weekday needs days without the slope: two rounds settle both.
    for _ in range(2):
        slope = _theil_sen(known - weekday[at % WEEK])
        rest = known - slope * at
        rest = rest - np.median(rest)
        weekday = np.array([np.median(rest[at % WEEK == number]) for number in range(WEEK)])
        weekday -= weekday.mean()
    plain = known - weekday[at % WEEK]
    recent = plain[-2 * WEEK :]
    level = float(np.median(recent + slope * np.arange(len(recent) - 1, -1, -1)))
    return level, slope, weekday


def _theil_sen(values: Floats) -> float:
    first, second = np.triu_indices(len(values), WEEK)
    return float(np.median((values[second] - values[first]) / (second - first)))
