"""A LogQL query on the log page: its lines with the labels that its pipeline made, or its series as a figure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import numpy as np

from dashboard.panels.figures import Figure, Line, Style, time_series_figure
from dashboard.panels.log_lines import nanosecond_text
from dashboard.panels.time_range import SECOND, PageRange
from telemetry.logql.engine import LineRange, Lines, LogqlEngine, QueryResult
from telemetry.logql.entry import Entry
from telemetry.logql.errors import ParseError
from telemetry.logql.values import Vector
from telemetry.model.logs import severity_number_of, severity_word
from telemetry.model.time import TimeGrid

MOST_LINES: Final = 200
BARS: Final = 80
STEPS: Final = 240
_NS_PER_MS: Final = 10**6
_STARTS_LIKE_A_METRIC: Final = re.compile(r"\s*\(*\s*[a-z_]+\s*(?:\(|by\b|without\b)")
_SERVICE_LABELS: Final = ("service_name", "service", "job", "app")
_LEVEL_LABELS: Final = ("level", "detected_level", "severity")


def is_logql(text: str) -> bool:
    """Whether a person meant LogQL: it begins with a selector, or with a function and has a selector somewhere."""
    return text.lstrip().startswith("{") or ("{" in text and _STARTS_LIKE_A_METRIC.match(text) is not None)


@dataclass(frozen=True, slots=True)
class LogqlLine:
    """One line for a template."""

    time: str
    day: str
    title: str
    word: str
    service: str
    line: str
    labels: list[tuple[str, str]]
    href: str
    """Address of the records of that second, for the record itself and what is around it."""


@dataclass(frozen=True, slots=True)
class LogqlPage:
    """What a query gave."""

    lines: list[LogqlLine]
    figure: Figure | None
    is_metric: bool
    series: int
    seconds: float
    total: int
    cut: bool
    """Whether there are more lines than are shown."""
    result: QueryResult
    """For the log of queries."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where a query stops being LogQL: the line of text, and a caret below the place."""

    reason: str
    line: int
    column: int
    text: str
    caret: str


def mistake_of(error: ParseError, text: str) -> Mistake | None:
    """Place of a parse error; None if it has none."""
    if not error.line:
        return None
    lines = text.split("\n")
    shown = lines[min(error.line, len(lines)) - 1]
    return Mistake(error.reason, error.line, error.column, shown, " " * (error.column - 1) + "^")


def logql_page(engine: LogqlEngine, text: str, time_range: PageRange) -> LogqlPage:
    """Raises InvalidInput (ParseError with its place), LimitExceeded, QueryTimeout, StoreUnavailable."""
    step_ms = time_range.step_ms(STEPS, SECOND)
    start_ns, end_ns = time_range.start_ms * _NS_PER_MS, time_range.end_ms * _NS_PER_MS + _NS_PER_MS
    start_ns -= start_ns % (step_ms * _NS_PER_MS)
    result = engine.range(text, LineRange(start_ns, end_ns, MOST_LINES), step_ms * _NS_PER_MS)
    if isinstance(result.value, Lines):
        return _lines_page(engine, text, result, result.value, time_range)
    return _metric_page(result)


def _lines_page(engine: LogqlEngine, text: str, result: QueryResult, found: Lines, time_range: PageRange) -> LogqlPage:
    """The newest lines, and how many there are over time."""
    step_ms = time_range.step_ms(BARS, SECOND)
    step_ns = step_ms * _NS_PER_MS
    first = time_range.start_ms * _NS_PER_MS // step_ns + 1
    last = max(time_range.end_ms * _NS_PER_MS // step_ns + 1, first)
    counted = engine.range(
        f"sum(count_over_time({text} [{step_ms // 1000}s]))", LineRange(first * step_ns, last * step_ns), step_ns
    )
    values = _first_row(counted.value, last - first + 1)
    grid = TimeGrid((first - 1) * step_ms, (last - 1) * step_ms, step_ms)
    figure = time_series_figure([Line("lines", values, "series-1")], grid, title="Lines", style=Style(kind="bar"))
    return LogqlPage(
        lines=[_line(entry) for entry in found.entries],
        figure=figure,
        is_metric=False,
        series=0,
        seconds=result.statistics.seconds + counted.statistics.seconds,
        total=int(np.nansum(values)),
        cut=len(found.entries) >= MOST_LINES,
        result=result,
    )


def _first_row(value: object, steps: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    if not isinstance(value, Vector) or not len(value):
        return np.full(steps, np.nan)
    return np.where(value.present[0], value.values[0], np.nan)


def _line(entry: Entry) -> LogqlLine:
    at = datetime.fromtimestamp(entry.time_ns // 10**9, UTC)
    service = next((value for name in _SERVICE_LABELS if (value := entry.labels.get(name))), "")
    level = next((value for name in _LEVEL_LABELS if (value := entry.labels.get(name))), "")
    word = severity_word(severity_number_of(level))
    at_ms = entry.time_ns // _NS_PER_MS
    query = {"from": at_ms - 1000, "to": at_ms + 1000, **({"service": service} if service else {})}
    return LogqlLine(
        time=f"{at:%H:%M:%S}.{at_ms % 1000:03d}",
        day=f"{at:%d %b}",
        title=nanosecond_text(entry.time_ns),
        word="none" if word == "unspecified" else word,
        service=service,
        line=entry.line,
        labels=[(name, value) for name, value in sorted(entry.labels.items()) if name not in _SERVICE_LABELS],
        href=f"/logs?{urlencode(query)}",
    )


def _metric_page(result: QueryResult) -> LogqlPage:
    vector, grid = result.value, result.grid
    lines: list[Line] = []
    if isinstance(vector, Vector):
        rows = np.where(vector.present, vector.values, np.nan)
        lines = [Line(_name(dict(labels)), row) for labels, row in zip(vector.labels, rows, strict=True)]
    figure = None
    if grid is not None and lines:
        times = TimeGrid(grid.start_ns // _NS_PER_MS, grid.end_ns // _NS_PER_MS, max(grid.step_ns // _NS_PER_MS, 1))
        figure = time_series_figure(lines, times, title="Value")
    return LogqlPage([], figure, True, len(lines), result.statistics.seconds, 0, False, result)


def _name(labels: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels.items()) or "value"
