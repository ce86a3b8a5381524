"""Counts of log lines by stream and time, made in the engine: from its minutes where those are exact, else by line."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from telemetry.store.conditions import Conditions, between_ns
from telemetry.store.engine import Engine, Settings
from telemetry.store.log_fields import LogFields
from telemetry.store.log_lines import EXACT_NUMBERS, LineQuery, field_tests, line_conditions, stream_conditions
from telemetry.store.log_query_limit import refusals_counted

_MINUTE_NS: Final = 60 * 10**9
_LEAST_MINUTES: Final = 3
"""From how many whole minutes on they are worth a query of their own."""
_MINUTE: Final = f"intDiv(toUnixTimestamp64Nano(timestamp) - 1, {_MINUTE_NS})"
"""As the projection `minutes` has it: minute m is (m, m + 1] after 1970."""


@dataclass(frozen=True, slots=True)
class CountQuery:
    """Lines, or their bytes, by stream and bucket: bucket k = 1, 2, ... ends `width_ns` * k after `lines.after_ns`.

    The end of a bucket belongs to it, its beginning does not.
    """

    lines: LineQuery
    width_ns: int
    in_bytes: bool = False

    @property
    def is_single(self) -> bool:
        """Whether one bucket holds everything."""
        return self.lines.until_ns - self.lines.after_ns <= self.width_ns


class LineCounter:
    """Counts rows of `log_records`."""

    def __init__(self, engine: Engine, read_settings: Settings, fields: LogFields) -> None:
        self._engine = engine
        self._fields = fields
        self._read_settings = read_settings

    def counts(self, query: CountQuery) -> pa.Table:
        """Columns stream (uint64), metadata, bucket (int64), amount (uint64), unsure (uint64).

        With conditions on fields, `amount` is of the lines that certainly fulfil them, and `unsure` the number of
        those at whose text somebody else has to look.
        """
        if not len(query.lines.streams):
            return _nothing()
        conditions = Conditions()
        minutes = _whole_minutes(query)
        sql = _by_line(conditions, self._fields, query) if minutes is None else _by_minute(conditions, query, minutes)
        settings = {**self._read_settings, **EXACT_NUMBERS} if query.lines.fields else self._read_settings
        with refusals_counted():
            return self._engine.arrow(sql, conditions.parameters, settings)


def _nothing() -> pa.Table:
    empty = np.empty(0, np.int64)
    columns = {"stream": empty.astype(np.uint64), "metadata": pa.array([], pa.string())}
    return pa.table(columns | dict.fromkeys(("bucket", "amount", "unsure"), empty))


def _by_line(conditions: Conditions, fields: LogFields, query: CountQuery) -> str:
    lines = query.lines
    where = line_conditions(conditions, fields, lines)
    metadata = "attributes" if lines.with_metadata else "''"
    keys = "stream" + ("" if query.is_single else ", bucket") + (", metadata" if lines.with_metadata else "")
    weight, unsure = "length(body)" if query.in_bytes else "1", "0"
    if lines.fields:
        holds, unsure = field_tests(conditions, fields, lines.fields)
        amount = f"sumIf({weight}, {holds} AND NOT ({unsure}))"
        unsure = f"countIf({unsure})"
    else:
        amount = "sum(length(body))" if query.in_bytes else "count()"
    return (
        f"SELECT stream, {metadata} AS metadata, {_bucket(conditions, query, 'toUnixTimestamp64Nano(timestamp)')} "
        f"AS bucket, {amount} AS amount, {unsure} AS unsure FROM log_records WHERE {where} GROUP BY {keys}"
    )


def _bucket(conditions: Conditions, query: CountQuery, time_ns: str) -> str:
    """Number of the bucket that has `time_ns`, an SQL expression, in it."""
    if query.is_single:
        return "toInt64(1)"
    width = conditions.bind(query.width_ns, "Int64")
    return f"intDiv({time_ns} - {conditions.bind(query.lines.after_ns, 'Int64')} + {width} - 1, {width})"


def _whole_minutes(query: CountQuery) -> tuple[int, int] | None:
    """(first, last + 1) of the minutes that lie in one bucket each; None where lines have to be looked at."""
    lines = query.lines
    if lines.lines or lines.fields or lines.with_metadata:
        return None
    if not query.is_single and (lines.after_ns % _MINUTE_NS or query.width_ns % _MINUTE_NS):
        return None
    first, end = -(-lines.after_ns // _MINUTE_NS), lines.until_ns // _MINUTE_NS
    return (first, end) if end - first >= _LEAST_MINUTES else None


def _by_minute(conditions: Conditions, query: CountQuery, minutes: tuple[int, int]) -> str:
    """Whole minutes from the projection, and lines of the minutes at the edges."""
    lines = query.lines
    streams = " AND ".join(stream_conditions(conditions, lines.streams))
    inside = (
        f"{_MINUTE} >= {conditions.bind(minutes[0], 'Int64')} AND {_MINUTE} < {conditions.bind(minutes[1], 'Int64')}"
    )
    amount = "sum(length(body))" if query.in_bytes else "count()"
    end_of_minute = f"({_MINUTE} + 1) * {_MINUTE_NS}"
    parts = [
        f"SELECT stream, {_bucket(conditions, query, end_of_minute)} AS bucket, {amount} AS part "
        f"FROM log_records WHERE {streams} AND {inside} GROUP BY stream, {_MINUTE}"
    ]
    edges = ((lines.after_ns, minutes[0] * _MINUTE_NS), (minutes[1] * _MINUTE_NS, lines.until_ns))
    for after_ns, until_ns in edges:
        if after_ns < until_ns:
            where = f"{streams} AND {between_ns(conditions, after_ns, until_ns)}"
            bucket = _bucket(conditions, query, "toUnixTimestamp64Nano(timestamp)")
            parts.append(
                f"SELECT stream, {bucket} AS bucket, {amount} AS part FROM log_records WHERE {where} "
                "GROUP BY stream, bucket"
            )
    return (
        "SELECT stream, '' AS metadata, bucket, sum(part) AS amount, 0 AS unsure "
        f"FROM ({' UNION ALL '.join(parts)}) GROUP BY stream, bucket"
    )
