"""The time range of a page: read from `?from=...&to=...`, shown in the header, turned into grids of queries."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from telemetry.model.errors import InvalidInput
from telemetry.model.time import TimeGrid, TimeRange

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_UNITS: Final = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY, "y": 365 * DAY}
_DURATION: Final = re.compile(r"(\d{1,6})([smhdwy])")
_DURATIONS: Final = re.compile(r"(?:\d{1,6}[smhdwy])+")
_EPOCH: Final = re.compile(r"\d{9,14}(\.\d+)?")

QUICK_RANGES: Final = (
    ("now-15m", "Last 15 minutes"),
    ("now-1h", "Last hour"),
    ("now-3h", "Last 3 hours"),
    ("now-6h", "Last 6 hours"),
    ("now-12h", "Last 12 hours"),
    ("now-24h", "Last 24 hours"),
    ("now-2d", "Last 2 days"),
    ("now-7d", "Last 7 days"),
    ("now-14d", "Last 14 days"),
    ("now-30d", "Last 30 days"),
    ("now-90d", "Last 90 days"),
)
DEFAULT_FROM: Final = "now-6h"

LONGEST_MS: Final = 10 * 365 * DAY
SHORTEST_MS: Final = 10 * SECOND

STEPS_MS: Final = (
    *(n * SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14, 30)),
)
"""Steps that a person can name."""


@dataclass(frozen=True, slots=True)
class PageRange:
    """A chosen range: what was typed, what it means now, and why it was refused if it was.

    `start_ms` and `end_ms` are both included.
    """

    from_text: str
    to_text: str
    start_ms: int
    end_ms: int
    error: str = ""

    @property
    def is_live(self) -> bool:
        """Whether the range ends now, so that refreshing it shows more."""
        return self.to_text == "now"

    @property
    def span_ms(self) -> int:
        return self.end_ms - self.start_ms

    @property
    def start(self) -> datetime:
        return datetime.fromtimestamp(self.start_ms / 1000, UTC)

    @property
    def end(self) -> datetime:
        return datetime.fromtimestamp(self.end_ms / 1000, UTC)

    @property
    def label(self) -> str:
        """Words of a quick range, else both ends: "22 Nov 10:00 to 12:30"."""
        if self.is_live and (words := dict(QUICK_RANGES).get(self.from_text)):
            return words
        if self.is_live and _DURATIONS.fullmatch(self.from_text.removeprefix("now-")):
            return f"Last {self.from_text.removeprefix('now-')}"
        until = f"{self.end:%H:%M}" if self.end.date() == self.start.date() else f"{self.end:%d %b %H:%M}"
        return f"{self.start:%d %b %H:%M} to {until}"

    @property
    def time_range(self) -> TimeRange:
        return TimeRange(self.start_ms, self.end_ms)

    def step_ms(self, points: int = 240, shortest_ms: int = 15 * SECOND) -> int:
        """Smallest step that a person can name with at most `points` points over the range."""
        wanted = max(self.span_ms / points, shortest_ms)
        return next((step for step in STEPS_MS if step >= wanted), STEPS_MS[-1])

    def grid(self, points: int = 240, shortest_ms: int = 15 * SECOND) -> TimeGrid:
        """Evaluation times aligned to multiples of the step, so that a refresh keeps the old points.

        The last point is the newest multiple within the range; a range shorter than a step has one point.
        """
        step = self.step_ms(points, shortest_ms)
        end = self.end_ms - self.end_ms % step
        start = -(-self.start_ms // step) * step
        return TimeGrid(min(start, end), end, step)

    @property
    def earlier(self) -> tuple[str, str]:
        """The range half a span before, as epoch milliseconds for `from` and `to`."""
        return self._moved(-self.span_ms // 2, -self.span_ms // 2)

    @property
    def later(self) -> tuple[str, str]:
        return self._moved(self.span_ms // 2, self.span_ms // 2)

    @property
    def wider(self) -> tuple[str, str]:
        """Twice as long around the same middle; a live range stays live and reaches back twice as far."""
        if self.is_live and 2 * self.span_ms <= LONGEST_MS:
            return f"now-{_in_words(2 * self.span_ms)}", "now"
        return self._moved(-self.span_ms // 2, self.span_ms // 2)

    @property
    def narrower(self) -> tuple[str, str]:
        if self.is_live and self.span_ms // 2 >= SHORTEST_MS:
            return f"now-{_in_words(self.span_ms // 2)}", "now"
        return self._moved(self.span_ms // 4, -self.span_ms // 4)

    def _moved(self, start_by: int, end_by: int) -> tuple[str, str]:
        return str(self.start_ms + start_by), str(self.end_ms + end_by)


def page_range(query: Mapping[str, str], *, default: str = DEFAULT_FROM, now_ms: int | None = None) -> PageRange:
    """The range that a request asks for. A range that cannot be read gives the default and its `error`."""
    now = now_ms if now_ms is not None else time.time_ns() // 1_000_000
    from_text, to_text = query.get("from", "").strip() or default, query.get("to", "").strip() or "now"
    try:
        return read_range(from_text, to_text, now)
    except InvalidInput as error:
        fallback = read_range(default, "now", now)
        return PageRange(fallback.from_text, fallback.to_text, fallback.start_ms, fallback.end_ms, str(error))


def read_range(from_text: str, to_text: str, now_ms: int) -> PageRange:
    """Range of two typed texts. A bare duration (`2h`) means that long before `to`; `yesterday` is the whole day.

    Raises InvalidInput for what it cannot read and for ranges that are empty or too long.
    """
    if from_text in ("today", "yesterday") and to_text in ("now", from_text):
        return _whole_day(from_text, now_ms)
    end = read_moment(to_text, now_ms)
    if _DURATIONS.fullmatch(from_text):
        start = end - _duration_ms(from_text)
        from_text = f"now-{from_text}" if to_text == "now" else str(start)
    else:
        start = read_moment(from_text, now_ms)
    if end <= start:
        raise InvalidInput(f"the range from {from_text} to {to_text} is empty: it ends before it starts")
    if end - start > LONGEST_MS:
        raise InvalidInput(f"the range from {from_text} to {to_text} is longer than {LONGEST_MS // DAY} days")
    if start < 0:
        raise InvalidInput(f"the range from {from_text} starts before 1970")
    return PageRange(from_text, to_text, start, max(end, start + SHORTEST_MS))


def read_moment(text: str, now_ms: int) -> int:
    """Milliseconds since 1970 of `now`, `now-6h`, an epoch in s or ms, or ISO 8601 (UTC unless it says otherwise)."""
    if text == "now":
        return now_ms
    if text.startswith("now-") and _DURATIONS.fullmatch(text[4:]):
        return now_ms - _duration_ms(text[4:])
    if _EPOCH.fullmatch(text):
        number = float(text)
        return int(number if number >= 1e11 else number * 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is not a time: use now, now-6h, 2h, 2026-11-22 14:30, or seconds since 1970"
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _whole_day(word: str, now_ms: int) -> PageRange:
    today = datetime.fromtimestamp(now_ms / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if word == "today":
        return PageRange(
            word, "now", int(today.timestamp() * 1000), max(now_ms, int(today.timestamp() * 1000) + SHORTEST_MS)
        )
    yesterday = today - timedelta(days=1)
    return PageRange(word, word, int(yesterday.timestamp() * 1000), int(today.timestamp() * 1000) - 1)


def duration_ms(text: str) -> int:
    """Milliseconds of `30s`, `5m`, `1h30m`. Raises InvalidInput for other texts and for zero."""
    if not _DURATIONS.fullmatch(text) or not (length := _duration_ms(text)):
        raise InvalidInput(f"{text!r} is not a duration: use 30s, 5m, 1h30m")
    return length


def _duration_ms(text: str) -> int:
    return sum(int(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


def _in_words(span_ms: int) -> str:
    """Shortest duration text for whole seconds: 90 minutes is `90m`, 2 days is `2d`."""
    seconds = span_ms // SECOND
    for unit, length in (("d", DAY // SECOND), ("h", HOUR // SECOND), ("m", MINUTE // SECOND)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
