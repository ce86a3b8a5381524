"""Cron lines of five fields: which minutes they name.

Source: crontab(5); as there, a day counts if either day field names it, where both are restricted.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

_MONTHS: Final = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_DAYS: Final = {name: n for n, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_FIELDS: Final[tuple[tuple[str, int, int, dict[str, int]], ...]] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)


@dataclass(frozen=True, slots=True)
class CronLine:
    """The minutes that a line names."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    any_day: bool
    any_weekday: bool

    def names(self, moment: datetime) -> bool:
        """Whether the minute of `moment`, in its own time zone, is named."""
        return (
            moment.minute in self.minutes
            and moment.hour in self.hours
            and moment.month in self.months
            and self._names_day(moment)
        )

    def _names_day(self, moment: datetime) -> bool:
        by_day, by_weekday = moment.day in self.days, moment.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


def read_cron(text: str) -> CronLine:
    """The line in `text`. Raises ValueError that names the field and what was expected."""
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise ValueError("expected five fields: minute, hour, day of month, month, day of week")
    minutes, hours, days, months, weekdays = (_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True))
    weekdays = frozenset(day % 7 for day in weekdays)
    return CronLine(text, minutes, hours, days, months, weekdays, parts[2] == "*", parts[4] == "*")


def _field(text: str, name: str, low: int, high: int, words: dict[str, int]) -> frozenset[int]:
    chosen: set[int] = set()
    for part in text.split(","):
        body, slash, step = part.partition("/")
        if slash and (not step.isascii() or not step.isdigit() or int(step) == 0):
            raise ValueError(f"{name}: {part!r} is not a step such as */5")
        first, last = _range(body, name, low, high, words)
        if slash and "-" not in body and body != "*":
            last = high
        chosen.update(range(first, last + 1, int(step) if slash else 1))
    return frozenset(chosen)


def _range(text: str, name: str, low: int, high: int, words: dict[str, int]) -> tuple[int, int]:
    if text == "*":
        return low, high
    first, dash, last = text.partition("-")
    begin = _value(first, name, low, high, words)
    end = _value(last, name, low, high, words) if dash else begin
    if end < begin:
        raise ValueError(f"{name}: {text!r} ends before it begins")
    return begin, end


def _value(text: str, name: str, low: int, high: int, words: dict[str, int]) -> int:
    if text.lower() in words:
        return words[text.lower()]
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"{name}: {text!r} is not a number from {low} to {high}")
    return int(text)
