"""Parameters of requests, from the address and from a form, with Prometheus' words for wrong ones."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from django.http import HttpRequest

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Matcher
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.promql.durations import parse_duration_ms
from telemetry.promql.parser import parse_selector
from telemetry.promql.run import EARLIEST_MS, LATEST_MS
from telemetry.syntax.numbers import parse_decimal

_LAST_SECOND: Final = 1e13
"""No time of a query is further from 1970 than this."""
ALL_TIME: Final = TimeRange(EARLIEST_MS, LATEST_MS)
"""What a store can hold."""

Parsed = TypeVar("Parsed")


def value_of(request: HttpRequest, name: str) -> str:
    """Value of a parameter, '' if missing; the form wins over the address."""
    return str(request.POST.get(name) or request.GET.get(name, ""))


def values_of(request: HttpRequest, name: str) -> list[str]:
    """All values of a parameter that may be repeated."""
    return [*request.POST.getlist(name), *request.GET.getlist(name)]


def query_text(request: HttpRequest) -> str:
    """The parameter `query`. Raises InvalidInput if it is missing."""
    text = value_of(request, "query")
    if not text:
        raise _invalid("query", "unknown position: parse error: no expression found in input")
    return text


def instant_ms(request: HttpRequest, name: str = "time") -> int:
    """A time in milliseconds, now if the parameter is missing. Raises InvalidInput."""
    text = value_of(request, name)
    return _parsed(name, text, parse_time_ms) if text else int(time.time() * 1000)


def grid_of(request: HttpRequest) -> TimeGrid:
    """start, end and step. Raises InvalidInput."""
    start, end = (_required(request, name, parse_time_ms) for name in ("start", "end"))
    if end < start:
        raise _invalid("end", "end timestamp must not be before start time")
    step = _required(request, "step", parse_step_ms)
    if step <= 0:
        raise _invalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
    return TimeGrid(start, end, step)


def range_of(request: HttpRequest) -> TimeRange:
    """start and end, each all time if it is missing. Raises InvalidInput."""
    start = _optional(request, "start", parse_time_ms, ALL_TIME.start_ms)
    end = _optional(request, "end", parse_time_ms, ALL_TIME.end_ms)
    if end < start:
        raise _invalid("end", "end timestamp must not be before start time")
    first, last = ALL_TIME.start_ms, ALL_TIME.end_ms
    return TimeRange(min(max(start, first), last), min(max(end, first), last))


def selectors_of(request: HttpRequest) -> list[tuple[Matcher, ...]]:
    """The parameters match[]. Raises InvalidInput."""
    found: list[tuple[Matcher, ...]] = []
    for text in values_of(request, "match[]"):
        try:
            found.append(parse_selector(text).matchers)
        except InvalidInput as error:
            raise _invalid("match[]", str(error)) from error
    return found


def limit_of(request: HttpRequest, name: str = "limit") -> int:
    """Most entries of an answer, 0 for no limit. Raises InvalidInput."""
    limit = _optional(request, name, _parse_count, 0)
    if limit < 0:
        raise _invalid(name, "limit must be non-negative")
    return limit


def lookback_ms(request: HttpRequest, default: int) -> int:
    """The parameter `lookback_delta`. Raises InvalidInput."""
    lookback = _optional(request, "lookback_delta", parse_step_ms, default)
    if lookback <= 0:
        raise _invalid("lookback_delta", "it must be positive")
    return lookback


def timeout_seconds(request: HttpRequest, longest: float) -> float:
    """The parameter `timeout`, at most the one of the settings. Raises InvalidInput."""
    return min(longest, _optional(request, "timeout", parse_step_ms, int(longest * 1000)) / 1000)


def _parse_count(text: str) -> int:
    if not (text.lstrip("-").isascii() and text.lstrip("-").isdigit() and len(text) < 19):
        raise ValueError(f'cannot parse "{text}" to a whole number')
    return int(text)


def parse_time_ms(text: str) -> int:
    """Unix time in seconds, or RFC 3339, as milliseconds. Raises ValueError."""
    try:
        seconds = parse_decimal(text)
    except ValueError:
        return _parse_rfc3339_ms(text)
    if not abs(seconds) <= _LAST_SECOND:
        raise ValueError(f'cannot parse "{text}" to a valid timestamp')
    fraction, whole = math.modf(seconds)
    return int(whole) * 1000 + round(fraction * 1000)


def _parse_rfc3339_ms(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'cannot parse "{text}" to a valid timestamp') from error
    if when.tzinfo is None or "T" not in text.upper():
        raise ValueError(f'cannot parse "{text}" to a valid timestamp')
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def parse_step_ms(text: str) -> int:
    """A number of seconds, or a duration such as `1m30s`, in milliseconds. Raises ValueError."""
    try:
        seconds = parse_decimal(text)
    except ValueError:
        try:
            return parse_duration_ms(text)
        except InvalidInput as error:
            raise ValueError(f'cannot parse "{text}" to a valid duration') from error
    if not abs(seconds) <= _LAST_SECOND:
        raise ValueError(f'cannot parse "{text}" to a valid duration. It overflows int64')
    return int(seconds * 1000)


def _required(request: HttpRequest, name: str, parse: Callable[[str], Parsed]) -> Parsed:
    return _parsed(name, value_of(request, name), parse)


def _optional(request: HttpRequest, name: str, parse: Callable[[str], Parsed], default: Parsed) -> Parsed:
    text = value_of(request, name)
    return _parsed(name, text, parse) if text else default


def _parsed(name: str, text: str, parse: Callable[[str], Parsed]) -> Parsed:
    try:
        return parse(text)
    except ValueError as error:
        raise _invalid(name, str(error)) from error


def _invalid(name: str, problem: str) -> InvalidInput:
    return InvalidInput(f'invalid parameter "{name}": {problem}')
