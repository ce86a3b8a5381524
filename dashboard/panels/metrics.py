"""The metrics explorer: PromQL queries over a range as figures and tables, errors with their place."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from dashboard.panels.figures import Figure, Line, iso, time_series_figure
from dashboard.panels.histogram_lines import unfolded
from dashboard.panels.time_range import PageRange, duration_ms
from dashboard.query_notes import noted
from telemetry.model.errors import InvalidInput, TelemetryError
from telemetry.model.labels import METRIC_NAME, Labels, label_value
from telemetry.model.samples import Frame
from telemetry.model.time import TimeGrid
from telemetry.promql.engine import Engine, QueryResult, ScalarResult
from telemetry.promql.errors import ParseError
from telemetry.promql.run import Options
from telemetry.store import TelemetryStore

MOST_QUERIES: Final = 6
MOST_ROWS: Final = 200
"""Series that the table shows; the download has all."""

_BYTE_RATE: Final = re.compile(r"\b(rate|irate|deriv)\b.*_bytes", re.DOTALL)
_SECONDS: Final = re.compile(r"histogram_quantile\b.*_seconds|_seconds_sum\b.*/.*_seconds_count\b", re.DOTALL)
_PLAIN: Final = re.compile(
    r"(?:(?:sum|max|min|avg)\b[^{}]*?\()?\s*([a-zA-Z_:][\w:]*?)_(bytes|seconds|ratio)\b(?!_)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One series of a result in numbers; NaN and gaps are left out of them."""

    name: str
    labels: Labels
    last: float | None
    least: float | None
    mean: float | None
    greatest: float | None


@dataclass(frozen=True, slots=True)
class QueryPanel:
    """One query with its answer, or with what is wrong with it."""

    number: int
    text: str
    figure: Figure | None = None
    unit: str = ""
    rows: list[SeriesRow] = field(default_factory=list)
    series: int = 0
    common: Labels = ()
    """Labels that every series has, left out of the names."""
    series_read: int = 0
    samples_read: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    error: str = ""
    pointer: str = ""
    """The line of the query that does not parse, with a caret under the place."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """All queries of the page on one grid."""

    grid: TimeGrid
    panels: list[QueryPanel]
    error: str = ""


def engine_options() -> Options:
    """Limits of the settings as PromQL takes them."""
    return Options.of(settings.TELEMETRY)


def explore(
    store: TelemetryStore,
    queries: Sequence[str],
    time_range: PageRange,
    step: str,
    unit: str,
    *,
    actor: str,
    options: Options,
) -> Exploration:
    """Evaluate up to MOST_QUERIES queries. Never raises for a bad query: its panel says what is wrong."""
    try:
        grid = grid_of(time_range, step)
    except InvalidInput as error:
        return Exploration(time_range.grid(), [QueryPanel(*pair) for pair in _numbered(queries)], str(error))
    engine = Engine(store, options)

    def ask(text: str) -> QueryResult:
        return noted(store, actor, "page", text, lambda: engine.range(text, grid))

    return Exploration(grid, [_panel(ask, number, text, grid, unit) for number, text in _numbered(queries)])


def _numbered(queries: Sequence[str]) -> list[tuple[int, str]]:
    return list(enumerate(queries[:MOST_QUERIES], 1))


def grid_of(time_range: PageRange, step: str) -> TimeGrid:
    """Grid of a typed step (`30s`, `5m`), or one that suits the range if it is empty. Raises InvalidInput."""
    if not step:
        return time_range.grid()
    step_ms = duration_ms(step)
    end_ms = time_range.end_ms - time_range.end_ms % step_ms
    start_ms = -(-time_range.start_ms // step_ms) * step_ms
    return TimeGrid(min(start_ms, end_ms), end_ms, step_ms)


def _panel(ask: Callable[[str], QueryResult], number: int, text: str, grid: TimeGrid, unit: str) -> QueryPanel:
    try:
        result = ask(text)
    except ParseError as error:
        return QueryPanel(number, text, error=error.reason, pointer=pointer_to(text, error.line, error.column))
    except TelemetryError as error:
        return QueryPanel(number, text, error=str(error))
    return _answered(number, text, grid, result, unit or guessed_unit(text))


def _answered(number: int, text: str, grid: TimeGrid, result: QueryResult, unit: str) -> QueryPanel:
    frame = frame_of(result)
    common, names = series_names(frame.labels)
    values = np.where(frame.present, frame.values, np.nan)
    lines = [Line(name, row) for name, row in zip(names, values, strict=True)]
    rows = [_row(name, labels, row) for name, labels, row in zip(names, frame.labels, values, strict=True)]
    statistics = result.statistics
    return QueryPanel(
        number,
        text,
        figure=time_series_figure(lines, grid, title=text if len(text) < 90 else f"Query {number}", unit=unit),
        unit=unit,
        rows=rows[:MOST_ROWS],
        series=len(names),
        common=common,
        series_read=statistics.series,
        samples_read=statistics.samples,
        seconds=statistics.seconds,
        notes=[*result.warnings, *result.infos],
    )


def frame_of(result: QueryResult) -> Frame:
    """A scalar as one series without labels, native histograms as lines; a range query has no other kinds of result."""
    value = result.value
    if isinstance(value, ScalarResult):
        present = np.ones((1, len(value.times_ms)), dtype=np.bool_)
        return Frame([()], value.times_ms, value.values[np.newaxis, :], present)
    if isinstance(value, Frame):
        return unfolded(value)
    raise InvalidInput("the query has no values over time")


def _row(name: str, labels: Labels, values: NDArray[np.float64]) -> SeriesRow:
    known = values[np.isfinite(values)]
    if not len(known):
        return SeriesRow(name, labels, None, None, None, None)
    return SeriesRow(name, labels, float(known[-1]), float(known.min()), float(known.mean()), float(known.max()))


def series_names(labels: Sequence[Labels]) -> tuple[Labels, list[str]]:
    """(labels that all series share, name of each by what differs): `{code="200"}`, or the whole for a lone one."""
    if len(labels) < 2:
        return (), [selector_text(one) or "value" for one in labels]
    shared = set(labels[0]).intersection(*labels[1:])
    common = tuple(pair for pair in labels[0] if pair in shared)
    return common, [selector_text(tuple(pair for pair in one if pair not in shared)) or "{}" for one in labels]


def selector_text(labels: Labels) -> str:
    """As PromQL writes it: `up{job="api"}`; the only value alone if there is one label."""
    name = label_value(labels, METRIC_NAME)
    rest = [(key, value) for key, value in labels if key != METRIC_NAME]
    if not name and len(rest) == 1:
        return rest[0][1]
    inner = ", ".join(f'{key}="{value}"' for key, value in rest)
    return f"{name}{{{inner}}}" if inner else name


def pointer_to(text: str, line: int, column: int) -> str:
    """The line with a caret under the column, both counted from 1."""
    lines = text.split("\n")
    shown = lines[line - 1] if 0 < line <= len(lines) else ""
    return f"{shown}\n{' ' * (column - 1)}^"


def guessed_unit(text: str) -> str:
    """Unit that the names in a query suggest, '' if they suggest none."""
    if _SECONDS.search(text):
        return "seconds"
    if _BYTE_RATE.search(text):
        return "bytes_per_second"
    found = _PLAIN.fullmatch(re.sub(r"\{.*?\}|\)", "", text, flags=re.DOTALL).strip())
    return found.group(2) if found else ""


def csv_rows(
    store: TelemetryStore, queries: Sequence[str], grid: TimeGrid, options: Options
) -> Iterator[tuple[object, ...]]:
    """(query, series, time in UTC, value) of every present value. Raises what evaluation raises, at once."""
    engine = Engine(store, options)
    frames = [(text, frame_of(engine.range(text, grid))) for _, text in _numbered(queries)]
    return _long_rows(frames)


def _long_rows(frames: Sequence[tuple[str, Frame]]) -> Iterator[tuple[object, ...]]:
    for text, frame in frames:
        times = [iso(at_ms) for at_ms in frame.times_ms.tolist()]
        for labels, values, present in zip(frame.labels, frame.values.tolist(), frame.present.tolist(), strict=True):
            name = selector_text(labels)
            yield from (
                (text, name, at, value) for at, value, there in zip(times, values, present, strict=True) if there
            )
