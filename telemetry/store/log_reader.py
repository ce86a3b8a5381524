"""Log records found again: pages, histograms, facets."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from telemetry.model.errors import LimitExceeded
from telemetry.model.logs import LogRecord, severity_word
from telemetry.store.conditions import Conditions
from telemetry.store.engine import Engine, Settings
from telemetry.store.live_feed import attributes_of
from telemetry.store.log_conditions import log_conditions
from telemetry.store.queries import Direction, LogDeletion, LogExtent, LogFacets, LogHistogram, LogQuery
from telemetry.store.settings import ENV_NAMES, StoreSettings
from telemetry.store.stream_reader import Stream, StreamFilter, StreamReader

_COLUMNS: Final = (
    "toUnixTimestamp64Nano(timestamp) AS timestamp_ns, toUnixTimestamp64Nano(observed_timestamp) AS observed_ns, "
    "stream, severity_number, severity_text, body, trace_id, span_id, attributes"
)
_TIE_ORDER: Final = "stream, cityHash64(body, attributes)"
"""Order within one timestamp: any will do that is the same for every page."""
_MOST_FACET_GROUPS: Final = 20_000
_NO_STREAM: Final = Stream((), "")
_NS_PER_MS: Final = 1_000_000


class LogReader:
    """Reads the table `log_records`."""

    def __init__(self, engine: Engine, settings: StoreSettings, read_settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._read_settings = read_settings
        self._streams = StreamReader(engine, read_settings)

    def search(self, query: LogQuery) -> list[LogRecord]:
        """One page, in the query's direction. `query.after(page)` asks for the next one."""
        streams = self._streams.filter(query.services, query.matchers)
        start, end = _range_of_page(query)
        skip = query.cursor.shown if query.cursor else 0
        edge = self._edge(query, streams, start, end, skip)
        if edge is None:
            return []
        start, end = (edge, end) if query.direction is Direction.BACKWARD else (start, edge)
        return self._page(query, streams, start, end, skip)

    def histogram(self, query: LogQuery, step_ms: int) -> LogHistogram:
        """Records per step (aligned to whole steps since 1970) and severity word."""
        step_ns = step_ms * _NS_PER_MS
        first, last = query.start_ns // step_ns, query.end_ns // step_ns
        self._check_points(last - first + 1)
        streams = self._streams.filter(query.services, query.matchers)
        conditions = Conditions()
        step = f"intDiv(toUnixTimestamp64Nano(timestamp), {conditions.bind(step_ns, 'Int64')})"
        where = log_conditions(conditions, query, streams, query.start_ns, query.end_ns)
        rows = self._engine.rows(
            f"SELECT {step} AS step, severity_number, count() FROM log_records WHERE {where} "
            "GROUP BY step, severity_number",
            conditions.parameters,
            self._read_settings,
        )
        counts: dict[str, np.ndarray[Any, np.dtype[np.int64]]] = {}
        for step_number, severity, count in rows:
            column = counts.setdefault(severity_word(severity), np.zeros(last - first + 1, np.int64))
            column[step_number - first] += count
        return LogHistogram(np.arange(first, last + 1, dtype=np.int64) * step_ms, counts)

    def facets(self, query: LogQuery, limit: int) -> LogFacets:
        """The `limit` most frequent services, severity words and values of each stream label."""
        streams = self._streams.filter(query.services, query.matchers)
        conditions = Conditions()
        where = log_conditions(conditions, query, streams, query.start_ns, query.end_ns)
        rows = self._engine.rows(
            f"SELECT stream, severity_number, count() AS records FROM log_records WHERE {where} "
            f"GROUP BY stream, severity_number ORDER BY records DESC LIMIT {_MOST_FACET_GROUPS}",
            conditions.parameters,
            self._read_settings,
        )
        return _facets(rows, self._streams.by_id({row[0] for row in rows}), limit)

    def count(self, query: LogQuery) -> int:
        """Number of records of `query`, whatever its limit."""
        conditions, where = self._where(query)
        sql = f"SELECT count() FROM log_records WHERE {where}"
        return int(self._engine.rows(sql, conditions.parameters, self._read_settings)[0][0])

    def extent(self, query: LogQuery) -> LogExtent:
        """Number and ends of the records of `query`, whatever its limit."""
        conditions, where = self._where(query)
        at = "toUnixTimestamp64Nano(timestamp)"
        sql = f"SELECT count(), min({at}), max({at}) FROM log_records WHERE {where}"
        return LogExtent(*map(int, self._engine.rows(sql, conditions.parameters, self._read_settings)[0]))

    def delete(self, query: LogQuery) -> LogDeletion:
        """Remove the records of `query`; they are counted before and afterwards."""
        matched = self.count(query)
        conditions, where = self._where(query)
        if matched:
            self._engine.command(f"DELETE FROM log_records WHERE {where}", conditions.parameters)
        return LogDeletion(matched, self.count(query))

    def _where(self, query: LogQuery) -> tuple[Conditions, str]:
        streams = self._streams.filter(query.services, query.matchers)
        conditions = Conditions()
        return conditions, log_conditions(conditions, query, streams, query.start_ns, query.end_ns)

    def _edge(self, query: LogQuery, streams: StreamFilter, start: int, end: int, skip: int) -> int | None:
        """Timestamp of the last record of the page, so that bodies are read and ordered up to there only."""
        conditions = Conditions()
        where = log_conditions(conditions, query, streams, start, end)
        rows = self._engine.arrow(
            f"SELECT toUnixTimestamp64Nano(timestamp) AS at FROM log_records WHERE {where} "
            f"ORDER BY timestamp {_sql_direction(query)} LIMIT {conditions.bind(skip + query.limit, 'UInt64')}",
            conditions.parameters,
            self._read_settings,
        )
        return rows["at"][-1].as_py() if rows.num_rows else None

    def _page(self, query: LogQuery, streams: StreamFilter, start: int, end: int, skip: int) -> list[LogRecord]:
        conditions = Conditions()
        where = log_conditions(conditions, query, streams, start, end)
        rows = self._engine.rows(
            f"SELECT {_COLUMNS} FROM log_records WHERE {where} "
            f"ORDER BY timestamp {_sql_direction(query)}, {_TIE_ORDER} "
            f"LIMIT {conditions.bind(query.limit, 'UInt64')} OFFSET {conditions.bind(skip, 'UInt64')}",
            conditions.parameters,
            self._read_settings,
        )
        streams_by_id = self._streams.by_id({row[2] for row in rows})
        return [_record(row, streams_by_id.get(row[2], _NO_STREAM)) for row in rows]

    def _check_points(self, points: int) -> None:
        most = self._settings.max_query_points
        if points > most:
            name = ENV_NAMES["max_query_points"]
            message = f"the histogram would have {points} steps; the limit is {most} ({name})"
            raise LimitExceeded(message, limit_name=name)


def _range_of_page(query: LogQuery) -> tuple[int, int]:
    if query.cursor is None:
        return query.start_ns, query.end_ns
    if query.direction is Direction.BACKWARD:
        return query.start_ns, min(query.end_ns, query.cursor.timestamp_ns)
    return max(query.start_ns, query.cursor.timestamp_ns), query.end_ns


def _sql_direction(query: LogQuery) -> str:
    return "DESC" if query.direction is Direction.BACKWARD else "ASC"


def _record(row: tuple[Any, ...], stream: Stream) -> LogRecord:
    timestamp, observed, _, severity, severity_text, body, trace_id, span_id, attributes = row
    return LogRecord(
        timestamp_ns=timestamp,
        observed_timestamp_ns=observed,
        service=stream.service,
        stream=stream.labels,
        severity_number=severity,
        severity_text=severity_text,
        body=body,
        trace_id=trace_id,
        span_id=span_id,
        attributes=attributes_of(attributes),
    )


def _facets(rows: Iterable[tuple[Any, ...]], streams: dict[int, Stream], limit: int) -> LogFacets:
    services: Counter[str] = Counter()
    severities: Counter[str] = Counter()
    labels: dict[str, Counter[str]] = {}
    for identity, severity, count in rows:
        stream = streams.get(identity, _NO_STREAM)
        services[stream.service] += count
        severities[severity_word(severity)] += count
        for name, value in stream.labels:
            labels.setdefault(name, Counter())[value] += count
    return LogFacets(
        _most(services, limit), _most(severities, limit), {name: _most(labels[name], limit) for name in sorted(labels)}
    )


def _most(counts: Counter[str], limit: int) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
