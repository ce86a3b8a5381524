"""Times of log records as senders write them: ISO 8601 text, or seconds to nanoseconds since 1970."""

import math
from datetime import UTC, datetime
from typing import Any, Final

from telemetry.model.errors import InvalidInput

_NS: Final = 1_000_000_000


def nanoseconds(time: Any) -> int:
    """Nanoseconds since 1970 of an ISO 8601 text or a number of s, ms, us or ns (told by its size); 0 for None.

    Raises InvalidInput showing what is not understood.
    """
    if time is None:
        return 0
    if isinstance(time, str) and not _is_number(time):
        return _iso_nanoseconds(time)
    if isinstance(time, bool) or not isinstance(time, (int, float, str)):
        raise InvalidInput(f"{str(time)[:80]!r} is not a time")
    number = float(time) if isinstance(time, float) or not str(time).isdigit() else int(time)
    if not 0 <= number < math.inf:
        raise InvalidInput(f"{str(time)[:80]!r} is not a time")
    scale = next((scale for limit, scale in _SCALES if number < limit), 1)
    whole = int(number)
    return whole * scale + round((number - whole) * scale)


_SCALES: Final = ((10**11, _NS), (10**14, 10**6), (10**17, 10**3))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit()


def _iso_nanoseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(f"{text[:80]!r} is not a time") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    whole = (since.days * 86_400 + since.seconds) * _NS + since.microseconds * 1000
    if whole < 0:
        raise InvalidInput(f"{text[:80]!r} lies before 1970")
    return whole + _below_microseconds(text)


def _below_microseconds(text: str) -> int:
    """The digits behind the sixth decimal, which `datetime` drops: nanoseconds 0 to 999."""
    digits = ""
    for character in text.partition(".")[2]:
        if not character.isdigit():
            break
        digits += character
    return int(digits[6:9].ljust(3, "0")) if len(digits) > 6 else 0
