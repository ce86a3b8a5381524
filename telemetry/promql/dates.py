"""Calendar functions of times in seconds since 1970 UTC."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.promql.values import Floats

Seconds = NDArray[np.datetime64]


def _months(at: Seconds) -> NDArray[np.int64]:
    return at.astype("datetime64[M]").astype(np.int64)


def _days(at: Seconds) -> NDArray[np.int64]:
    return at.astype("datetime64[D]").astype(np.int64)


def _first_of_month(months: NDArray[np.int64]) -> NDArray[np.int64]:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _first_of_year(at: Seconds) -> NDArray[np.int64]:
    return at.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)


_FIELDS: Final[dict[str, Callable[[Seconds], NDArray[np.int64]]]] = {
    "day_of_month": lambda at: _days(at) - _first_of_month(_months(at)) + 1,
    "day_of_week": lambda at: (_days(at) + 4) % 7,  # 1970 began on a Thursday; Sunday is 0
    "day_of_year": lambda at: _days(at) - _first_of_year(at) + 1,
    "days_in_month": lambda at: _first_of_month(_months(at) + 1) - _first_of_month(_months(at)),
    "hour": lambda at: at.astype(np.int64) // 3600 % 24,
    "minute": lambda at: at.astype(np.int64) // 60 % 60,
    "month": lambda at: _months(at) % 12 + 1,
    "year": lambda at: _months(at) // 12 + 1970,
}

DATE_FUNCTIONS: Final = frozenset(_FIELDS)

_LAST_SECOND: Final = 2.0**63
_BEYOND: Final = {
    "day_of_month": 4.0,
    "day_of_week": 0.0,
    "day_of_year": 339.0,
    "days_in_month": 31.0,
    "hour": 15.0,
    "minute": 30.0,
    "month": 12.0,
    "year": 292_277_026_596.0,
}
"""What Prometheus answers for NaN, infinities and times beyond 64 bits: the calendar of Go at its last second."""


def calendar_field(name: str, seconds: Floats) -> Floats:
    """Field of each time, fractions of seconds cut off."""
    known = np.abs(seconds) < _LAST_SECOND
    at = np.where(known, np.trunc(seconds), 0.0).astype(np.int64).astype("datetime64[s]")
    return np.where(known, _FIELDS[name](at).astype(np.float64), _BEYOND[name])
