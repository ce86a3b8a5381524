"""Parameters of requests, from the address and from a form, in Loki's forms and words."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.http import HttpRequest

from telemetry.logql.conversions import parse_duration_ns
from telemetry.logql.engine import LineRange
from telemetry.model.errors import InvalidInput
from telemetry.syntax.numbers import parse_decimal

_HOUR_NS: Final = 3600 * 10**9
_SECOND_NS: Final = 10**9
_LATEST_NS: Final = 2**63 - 1
_DEFAULT_LIMIT: Final = 100
_DEFAULT_POINTS: Final = 250


@dataclass(frozen=True, slots=True)
class Span:
    """start_ns <= t <= end_ns"""

    start_ns: int
    end_ns: int


def value_of(request: HttpRequest, name: str) -> str:
    """Value of a parameter, '' if missing; the form wins over the address."""
    return str(request.POST.get(name) or request.GET.get(name, ""))


def values_of(request: HttpRequest, *names: str) -> list[str]:
    """All values of parameters that may be repeated."""
    return [text for name in names for text in (*request.POST.getlist(name), *request.GET.getlist(name))]


def query_text(request: HttpRequest) -> str:
    """The parameter `query`; one that is missing is an empty query."""
    return value_of(request, "query")


def time_ns(request: HttpRequest) -> int:
    """The parameter `time`, now if it is missing."""
    return _time(request, "time", time.time_ns())


def span_of(request: HttpRequest, default_ns: int = _HOUR_NS) -> Span:
    """start and end, or `since` before the end. Raises InvalidInput."""
    now = time.time_ns()
    end = _time(request, "end", now)
    since = value_of(request, "since")
    before = _duration(since, "since") if since else default_ns
    start = _time(request, "start", min(end, now) - before)
    if end < start:
        raise InvalidInput("end timestamp must not be before or equal to start time")
    return Span(start, end)


def lines_of(request: HttpRequest) -> LineRange:
    """Range, limit, direction and interval of a range query. Raises InvalidInput."""
    span = span_of(request)
    if span.end_ns == span.start_ns:
        raise InvalidInput("end timestamp must not be before or equal to start time")
    interval = value_of(request, "interval")
    interval_ns = _duration(interval, "interval") if interval else 0
    if interval_ns < 0:
        raise InvalidInput("interval must be >= 0")
    return LineRange(span.start_ns, span.end_ns, limit_of(request), is_backward(request), interval_ns)


def step_ns(request: HttpRequest, span: Span | LineRange) -> int:
    """The parameter `step`, one that makes about 250 points if it is missing. Raises InvalidInput."""
    text = value_of(request, "step")
    if not text:
        return max((span.end_ns - span.start_ns) // _SECOND_NS // _DEFAULT_POINTS, 1) * _SECOND_NS
    step = _duration(text, "step")
    if step <= 0:
        raise InvalidInput("zero or negative query resolution step widths are not accepted. Try a positive integer")
    return step


def limit_of(request: HttpRequest, default: int = _DEFAULT_LIMIT) -> int:
    """Most entries of an answer. Raises InvalidInput."""
    text = value_of(request, "limit")
    if not text:
        return default
    if not (text.lstrip("-").isascii() and text.lstrip("-").isdigit() and len(text) < 19):
        raise InvalidInput(f'strconv.ParseUint: parsing "{text[:100]}": invalid syntax')
    if int(text) <= 0:
        raise InvalidInput("limit must be a positive value")
    return int(text)


def is_backward(request: HttpRequest) -> bool:
    """Whether the newest lines are asked for first. Raises InvalidInput."""
    text = value_of(request, "direction").lower() or "backward"
    if text not in ("backward", "forward"):
        raise InvalidInput(f"invalid direction '{text[:100]}'")
    return text == "backward"


def parse_time_ns(text: str) -> int:
    """Nanoseconds, seconds with a fraction, seconds (up to ten digits), or RFC 3339. Raises ValueError."""
    if text.lstrip("-").isascii() and text.lstrip("-").isdigit():
        value = int(text)
        return _checked(text, value * _SECOND_NS if len(text) <= 10 else value)
    if "." in text and "T" not in text.upper():
        whole, _, fraction = text.partition(".")
        if whole.lstrip("-").isdigit() and fraction.isdigit():
            rest = int(fraction[:9].ljust(9, "0"))
            return _checked(text, int(whole) * _SECOND_NS + (-rest if whole.startswith("-") else rest))
        return _checked(text, int(parse_decimal(text) * _SECOND_NS))
    return _checked(text, _rfc3339_ns(text))


def _checked(text: str, value: int) -> int:
    if not 0 <= value <= _LATEST_NS:
        raise ValueError(f'the time "{text}" is out of range')
    return value


def _rfc3339_ns(text: str) -> int:
    """Python reads microseconds only, so the fraction is read here."""
    head, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    when = datetime.fromisoformat(head + rest[len(digits) :] if dot else text)
    if when.tzinfo is None or "T" not in text.upper():
        raise ValueError(f'parsing time "{text}"')
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _SECOND_NS + int(digits[:9].ljust(9, "0") or "0")


def _time(request: HttpRequest, name: str, default: int) -> int:
    text = value_of(request, name)
    if not text:
        return default
    try:
        return parse_time_ns(text)
    except ValueError as error:
        raise InvalidInput(f'cannot parse "{text[:100]}" to a valid timestamp ({name}): {error}') from error


def _duration(text: str, name: str) -> int:
    """A number of seconds, or a duration such as `1m30s`, in nanoseconds."""
    try:
        return int(parse_decimal(text) * _SECOND_NS)
    except (ValueError, OverflowError):
        pass
    try:
        return parse_duration_ns(text)
    except ValueError as error:
        raise InvalidInput(f'cannot parse "{text[:100]}" to a valid duration ({name})') from error
