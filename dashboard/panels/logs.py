"""The log page: one page of records and how they spread over time, what is newer, what stands around one, exports."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dashboard.panels.figures import Figure, Line, Style, time_series_figure
from dashboard.panels.log_lines import LogLine, log_line
from dashboard.panels.time_range import SECOND, PageRange
from telemetry.model.labels import Matcher, MatchOp
from telemetry.model.logs import LogRecord, severity_word
from telemetry.model.time import TimeGrid
from telemetry.store import Direction, LogCursor, LogHistogram, LogQuery, TelemetryStore

LIVE_SIZE: Final = 200
"""Records that one poll of the live mode shows at most; what is beyond is counted as left out."""
HISTOGRAM_BARS: Final = 80
EXPORT_MOST: Final = 1_000_000
EXPORT_PAGE: Final = 10_000
SURROUNDING: Final = 20

BAR_ROLES: Final = {
    "fatal": "ink", "error": "crit", "warn": "warn", "info": "series-1",
    "debug": "none", "trace": "line", "unspecified": "line",
}  # fmt: skip
"""Severity word -> colour word, the worst at the foot of the bars."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of records, newest first; `older` continues it."""

    lines: list[LogLine]
    older: LogCursor | None
    newest: LogCursor
    """Where the live mode goes on."""
    histogram: Figure
    total: int
    """Records in the range, whatever the page."""


def log_page(store: TelemetryStore, query: LogQuery, time_range: PageRange) -> LogPage:
    """Three questions to the engine."""
    records = store.search_logs(query)
    step_ms = time_range.step_ms(HISTOGRAM_BARS, SECOND)
    histogram = store.log_histogram(replace(query, cursor=None), step_ms)
    following = query.after(records)
    return LogPage(
        lines=[log_line(record) for record in records],
        older=following.cursor if following else None,
        newest=_newest(records, query),
        histogram=histogram_figure(histogram, step_ms),
        total=histogram.total,
    )


def _newest(records: Sequence[LogRecord], query: LogQuery) -> LogCursor:
    if not records:
        return LogCursor(query.start_ns, 0)
    newest_ns = records[0].timestamp_ns
    return LogCursor(newest_ns, sum(record.timestamp_ns == newest_ns for record in records))


def histogram_figure(histogram: LogHistogram, step_ms: int) -> Figure:
    """Stacked bars of records by severity, the worst at the foot; empty where nothing was logged."""
    words = [word for word in BAR_ROLES if word in histogram.counts]
    lines = [Line(word, histogram.counts[word].astype(np.float64), BAR_ROLES[word]) for word in words]
    times = histogram.times_ms
    grid = TimeGrid(int(times[0]), int(times[-1]), step_ms)
    figure = time_series_figure(lines, grid, title="Records", style=Style(kind="bar"))
    figure["layout"]["meta"]["unit_words"] = f"per {step_words(step_ms)}"
    return figure


def step_words(step_ms: int) -> str:
    """A step as a person says it: "10 s", "5 min", "2 h", "1 d"."""
    for length, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min")):
        if step_ms % length == 0:
            return f"{step_ms // length} {unit}"
    return f"{step_ms / 1000:g} s"


@dataclass(frozen=True, slots=True)
class NewerRecords:
    """What arrived since a cursor, newest first."""

    lines: list[LogLine]
    cursor: LogCursor
    left_out: bool
    """Whether more arrived than one poll shows; the next poll goes on from there."""


def newer_records(store: TelemetryStore, query: LogQuery, cursor: LogCursor) -> NewerRecords:
    """Records after `cursor`, at most LIVE_SIZE."""
    forward = replace(
        query,
        start_ns=min(cursor.timestamp_ns, query.end_ns),
        direction=Direction.FORWARD,
        cursor=cursor,
        limit=LIVE_SIZE,
    )
    records = store.search_logs(forward)
    following = forward.after(records)
    last = following.cursor if following and following.cursor else _after_last(records, cursor)
    return NewerRecords([log_line(record) for record in reversed(records)], last, following is not None)


def _after_last(records: Sequence[LogRecord], cursor: LogCursor) -> LogCursor:
    if not records:
        return cursor
    last_ns = records[-1].timestamp_ns
    shown = sum(record.timestamp_ns == last_ns for record in records)
    return LogCursor(last_ns, shown + (cursor.shown if cursor.timestamp_ns == last_ns else 0))


@dataclass(frozen=True, slots=True)
class Surrounding:
    """Records of the same stream just before and after one, newest first."""

    newer: list[LogLine]
    older: list[LogLine]


def surrounding(store: TelemetryStore, record: LogRecord) -> Surrounding:
    """SURROUNDING records on either side, within an hour."""
    hour_ns = 3600 * 10**9
    matchers = tuple(Matcher(name, MatchOp.EQUAL, value) for name, value in record.stream)
    shared = LogQuery(
        start_ns=record.timestamp_ns + 1,
        end_ns=record.timestamp_ns + hour_ns,
        services=(record.service,),
        matchers=matchers,
        limit=SURROUNDING,
        direction=Direction.FORWARD,
    )
    newer = store.search_logs(shared)
    before = replace(shared, start_ns=max(record.timestamp_ns - hour_ns, 0), end_ns=max(record.timestamp_ns - 1, 0))
    older = store.search_logs(replace(before, direction=Direction.BACKWARD))
    return Surrounding([log_line(one) for one in reversed(newer)], [log_line(one) for one in older])


def exported(store: TelemetryStore, query: LogQuery) -> Iterator[LogRecord]:
    """Every record of `query`, newest first, up to EXPORT_MOST, a page at a time."""
    left = EXPORT_MOST
    page_query: LogQuery | None = replace(query, limit=EXPORT_PAGE, cursor=None)
    while page_query is not None and left > 0:
        page = store.search_logs(page_query)
        yield from page[:left]
        left -= len(page)
        page_query = page_query.after(page)


def exported_row(record: LogRecord) -> dict[str, object]:
    """One exported record: its fields by the names of the OpenTelemetry log data model."""
    return {
        "timestamp_ns": record.timestamp_ns,
        "observed_timestamp_ns": record.observed_timestamp_ns,
        "service": record.service,
        "severity_number": record.severity_number,
        "severity_text": record.severity_text or severity_word(record.severity_number),
        "body": record.body,
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "stream": dict(record.stream),
        "attributes": record.attributes,
    }
