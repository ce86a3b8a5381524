"""Recorded load: read from a table, checked, put on the controller's steps."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

TIME_COLUMNS: Final = ("timestamp", "time", "ts", "date", "datetime", "minute", "hour", "second")
INDEX_SECONDS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
"""Columns whose numbers count units of time from the start."""
MAX_ROWS: Final = 5_000_000
MAX_STEPS: Final = 5_000_000


class BadLoad(ValueError):
    """A load that cannot be replayed; names the line, the value and what was expected."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to read a table: None and zero mean that the table itself tells."""

    time_column: str | None = None
    value_column: str | None = None
    interval_seconds: float = 0
    """Between rows of a table without a time."""
    per_seconds: float = 1
    """What a value counts is divided by this: 60 makes requests a minute requests a second."""
    counter: bool = False
    """Values count up; their rate is the load."""
    repair: bool = False
    """Leave out rows whose clock steps back, instead of refusing the table."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples with rising times in seconds; `notes` say what was left out or is missing."""

    seconds: NDArray[np.float64]
    values: NDArray[np.float64]
    column: str
    notes: tuple[str, ...]

    @property
    def interval_seconds(self) -> float:
        """Usual time between samples."""
        return float(np.median(np.diff(self.seconds))) if self.seconds.size > 1 else 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """The load at each step; NaN where nothing was recorded within two intervals before it."""

    start_seconds: float
    step_seconds: int
    values: NDArray[np.float64]
    column: str
    notes: tuple[str, ...]

    @property
    def seconds(self) -> NDArray[np.float64]:
        return self.start_seconds + np.arange(self.values.size, dtype=np.float64) * self.step_seconds

    @property
    def unknown_minutes(self) -> float:
        return float(np.isnan(self.values).sum() * self.step_seconds / 60)


def read_table(lines: Iterable[str], wishes: Wishes) -> Recording:
    """The recording in a CSV table with a header line. Raises BadLoad."""
    rows = csv.reader(lines)
    header = [name.strip() for name in next(rows, [])]
    if not header:
        raise BadLoad("the table is empty; expected a header line and one row a sample")
    time_at, value_at = _columns(header, wishes)
    body = [(number, row) for number, row in enumerate(rows, 2) if row]
    if not body:
        raise BadLoad("the table has a header and no rows")
    if len(body) > MAX_ROWS:
        raise BadLoad(f"the table has {len(body)} rows; at most {MAX_ROWS} are read")
    values = np.array([_number(row, value_at, line, header) for line, row in body])
    seconds = _times(body, time_at, header, wishes)
    return _checked([line for line, _ in body], seconds, values / wishes.per_seconds, header[value_at], wishes)


def _columns(header: Sequence[str], wishes: Wishes) -> tuple[int | None, int]:
    lower = [name.lower() for name in header]
    time_at = _index(header, wishes.time_column) if wishes.time_column else None
    if time_at is None and not wishes.interval_seconds:
        time_at = next((lower.index(name) for name in TIME_COLUMNS if name in lower), None)
        if time_at is None:
            names = ", ".join(TIME_COLUMNS)
            raise BadLoad(f"no column is a time (one of {names}); name it, or say the interval between rows")
    if wishes.value_column:
        return time_at, _index(header, wishes.value_column)
    value_at = next((n for n in range(len(header)) if n != time_at), None)
    if value_at is None:
        raise BadLoad("the table has no column beside the time")
    return time_at, value_at


def _index(header: Sequence[str], name: str) -> int:
    if name not in header:
        raise BadLoad(f"there is no column {name!r}; the table has {', '.join(header)}")
    return header.index(name)


def _number(row: Sequence[str], at: int, line: int, header: Sequence[str]) -> float:
    text = row[at].strip() if at < len(row) else ""
    if not text or text.lower() in ("nan", "null", "none"):
        return math.nan
    try:
        value = float(text)
    except ValueError as error:
        raise BadLoad(f"line {line}: {header[at]} is {text!r}; expected a number") from error
    if value < 0 or math.isinf(value):
        raise BadLoad(f"line {line}: {header[at]} is {text}; expected a finite number that is not negative")
    return value


def _times(
    body: Sequence[tuple[int, list[str]]], at: int | None, header: Sequence[str], wishes: Wishes
) -> NDArray[np.float64]:
    if at is None:
        return np.arange(len(body), dtype=np.float64) * wishes.interval_seconds
    unit = INDEX_SECONDS.get(header[at].lower())
    return np.array([_seconds(row, at, line, header[at], unit) for line, row in body])


def _seconds(row: Sequence[str], at: int, line: int, name: str, unit: float | None) -> float:
    text = row[at].strip() if at < len(row) else ""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number * unit if unit else number / 1000 if number > 1e11 else number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadLoad(f"line {line}: {name} is {text!r}; expected a time such as 2026-01-31 12:00:00") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _checked(
    lines: Sequence[int],
    seconds: NDArray[np.float64],
    values: NDArray[np.float64],
    column: str,
    wishes: Wishes,
) -> Recording:
    notes = []
    forward = np.maximum.accumulate(seconds)
    back = np.flatnonzero(seconds[1:] <= forward[:-1]) + 1
    if back.size and not wishes.repair:
        at = int(back[0])
        raise BadLoad(
            f"line {lines[at]}: the clock goes from {_shown(forward[at - 1])} back to {_shown(seconds[at])}; "
            "times must rise from row to row (repairing leaves such rows out)"
        )
    if back.size:
        notes.append(f"left out {back.size} rows whose clock steps back, the first on line {lines[int(back[0])]}")
        keep = np.ones(seconds.size, bool)
        keep[back] = False
        seconds, values, lines = (
            seconds[keep],
            values[keep],
            [line for line, kept in zip(lines, keep, strict=True) if kept],
        )
    if wishes.counter:
        seconds, values, resets = _rate(seconds, values)
        notes += [f"the counter was reset {resets} times"] if resets else []
    recording = Recording(seconds, values, column, tuple(notes))
    return Recording(seconds, values, column, (*notes, *_gaps(recording, lines)))


def _rate(
    seconds: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Increase a second between samples, at the later one; after a reset the new value is the increase."""
    steps = np.diff(values)
    increases = np.where(steps < 0, values[1:], steps)
    return seconds[1:], increases / np.diff(seconds), int((steps < 0).sum())


def _gaps(recording: Recording, lines: Sequence[int]) -> list[str]:
    steps = np.diff(recording.seconds)
    wide = np.flatnonzero(steps > 2 * recording.interval_seconds)
    if not wide.size:
        return []
    first = int(wide[0])
    line = lines[min(first + 1, len(lines) - 1)]
    return [f"{wide.size} gaps; the first, of {steps[first]:g} s, ends on line {line}"]


def _shown(seconds: float) -> str:
    if not 0 <= seconds < 4e9:
        return f"{seconds:g}"
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ")


def on_steps(recording: Recording, step_seconds: int) -> Load:
    """The newest sample at each step, at most two intervals old. Raises BadLoad for too many steps."""
    start, end = float(recording.seconds[0]), float(recording.seconds[-1])
    interval = recording.interval_seconds
    steps = int((end + interval - start) // step_seconds)
    if steps > MAX_STEPS:
        raise BadLoad(f"the recording makes {steps} steps of {step_seconds} s; at most {MAX_STEPS} are replayed")
    times = start + np.arange(max(steps, 1), dtype=np.float64) * step_seconds
    newest = np.searchsorted(recording.seconds, times, side="right") - 1
    values = recording.values[newest].copy()
    values[times - recording.seconds[newest] >= 2 * interval] = np.nan
    return Load(start, step_seconds, values, recording.column, recording.notes)
