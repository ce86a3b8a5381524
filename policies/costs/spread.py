"""Charges over the days that their period covers."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from policies.costs.exact import shares

_DAY_SECONDS: Final = 86_400
_EPOCH: Final = date(1970, 1, 1)


def spread_over_days(amount: Decimal, start_s: int, end_s: int) -> Iterator[tuple[date, Decimal]]:
    """(UTC day, part of `amount`) by the seconds of each day in [start_s, end_s); the parts add up exactly.

    The end is exclusive, as FOCUS defines it: a charge until midnight has nothing on the next day.
    Raises ValueError if the period is empty.
    """
    if end_s <= start_s:
        raise ValueError(f"the period from {start_s} to {end_s} is empty")
    seconds = list(_seconds_by_day(start_s, end_s))
    parts = shares(amount, [count for _, count in seconds])
    for (day, _), part in zip(seconds, parts, strict=True):
        yield _EPOCH + timedelta(days=day), part


def _seconds_by_day(start_s: int, end_s: int) -> Iterator[tuple[int, int]]:
    at = start_s
    while at < end_s:
        following = min((at // _DAY_SECONDS + 1) * _DAY_SECONDS, end_s)
        yield at // _DAY_SECONDS, following - at
        at = following


def first_second(day: date) -> int:
    """Seconds since 1970 at 00:00 UTC of `day`."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
