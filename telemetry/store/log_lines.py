"""Log lines for the query language: streams by their labels, lines by conditions on their text.

What is asked here runs in the engine with its indexes: streams by id, time by the sorting key, lines by the index of
long words, substring search and RE2, JSON fields by their columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from telemetry.model.errors import LimitExceeded
from telemetry.model.labels import Labels, Matcher
from telemetry.store.conditions import Conditions, between_ns, stream_label
from telemetry.store.engine import Engine, Settings
from telemetry.store.log_fields import LogFields
from telemetry.store.log_query_limit import log_read_settings, refusals_counted
from telemetry.store.log_words import word_conditions
from telemetry.store.queries import LineCondition
from telemetry.store.series_reader import UNWRITTEN_MS, labels_of
from telemetry.store.settings import ENV_NAMES, StoreSettings
from telemetry.store.stream_index import KnownStream, StreamIndex

EXACT_NUMBERS: Final = {"precise_float_parsing": 1}
"""Engine settings of queries with conditions on fields: to the last bit, as the query language reads numbers."""
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class StreamSet:
    """Streams that matchers selected."""

    ids: tuple[int, ...]
    labels: tuple[Labels, ...]
    """As sent, one a stream; equal labels of two senders stand twice."""
    written_as: tuple[str, ...]
    """Services under which their lines lie."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """The label that `json` makes of a field is a number that compares as wanted.

    Lines stay of which the engine cannot tell: text that may be JSON, a field that is no number for it, names padded
    with spaces, and what structured metadata names too.
    """

    field: str
    op: str
    value: float


@dataclass(frozen=True, slots=True)
class LineQuery:
    """Lines of some streams with after_ns < time <= until_ns that fulfil every condition."""

    streams: StreamSet
    after_ns: int
    until_ns: int
    lines: tuple[LineCondition, ...] = ()
    fields: tuple[FieldCondition, ...] = ()
    only_unsure: bool = False
    """Only lines of which the engine cannot tell whether their fields compare as wanted."""
    limit: int | None = None
    backward: bool = False
    with_metadata: bool = True


class LineReader:
    """Reads `log_streams` and `log_records`."""

    def __init__(
        self,
        engine: Engine,
        settings: StoreSettings,
        read_settings: Settings,
        fields: LogFields,
        index: StreamIndex | None,
    ) -> None:
        self._engine = engine
        self._index = index
        self._fields = fields
        self._settings = settings
        self._read_settings = read_settings
        self._line_settings = log_read_settings(settings, read_settings)

    def streams(self, matchers: Sequence[Matcher], start_ns: int, end_ns: int) -> StreamSet:
        """Streams that match and may have lines between. Raises LimitExceeded above `max_query_series`."""
        start_ms, end_ms = start_ns // _NS_PER_MS, end_ns // _NS_PER_MS + 1
        known = self._index.select(matchers, start_ms, end_ms) if self._index else None
        found = self._from_table(matchers, start_ms, end_ms) if known is None else _stream_set(known)
        most = self._settings.max_query_series
        if len(found) > most:
            name = ENV_NAMES["max_query_series"]
            raise LimitExceeded(f"the query selects more than {most} streams ({name})", limit_name=name)
        return found

    def _from_table(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> StreamSet:
        conditions = Conditions()
        found = self._engine.arrow(
            "SELECT id, any(labels) AS label_set, arrayDistinct(arrayFlatten(groupArray(written_as))) AS written "
            f"FROM log_streams WHERE {conditions.matchers(matchers, stream_label)} GROUP BY id "
            f"HAVING toUnixTimestamp64Milli(min(first_seen)) <= {conditions.bind(end_ms, 'Int64')} "
            f"AND toUnixTimestamp64Milli(max(last_seen)) >= {conditions.bind(start_ms - UNWRITTEN_MS, 'Int64')} "
            f"LIMIT {conditions.bind(self._settings.max_query_series + 1, 'UInt64')}",
            conditions.parameters,
            self._read_settings,
        )
        written = {name for names in found["written"].to_pylist() for name in names}
        return StreamSet(tuple(found["id"].to_pylist()), tuple(labels_of(found["label_set"])), tuple(sorted(written)))

    def lines(self, query: LineQuery) -> pa.Table:
        """Columns stream (uint64), time (int64 ns), line, metadata ('' unless asked for).

        By time where a limit is set, else in any order. Raises LimitExceeded above `max_query_log_lines`.
        """
        if not len(query.streams):
            return _no_lines()
        conditions = Conditions()
        where = line_conditions(conditions, self._fields, query)
        most = self._settings.max_query_log_lines
        limit = most + 1 if query.limit is None else min(query.limit, most + 1)
        order = f"ORDER BY timestamp {'DESC' if query.backward else 'ASC'} " if query.limit is not None else ""
        metadata = "attributes" if query.with_metadata else "''"
        found = self._read(
            f"SELECT stream, toUnixTimestamp64Nano(timestamp) AS time, body AS line, {metadata} AS metadata "
            f"FROM log_records WHERE {where} {order}LIMIT {conditions.bind(limit, 'UInt64')}",
            conditions.parameters,
            EXACT_NUMBERS if query.fields else {},
        )
        if found.num_rows > most:
            name = ENV_NAMES["max_query_log_lines"]
            sentence = (
                f"the query takes more than {most} lines through its pipeline ({name}); narrow it with line filters"
            )
            raise LimitExceeded(sentence, limit_name=name)
        return found

    def _read(self, sql: str, parameters: dict[str, object], settings: Settings) -> pa.Table:
        with refusals_counted():
            return self._engine.arrow(sql, parameters, {**self._line_settings, **settings})


def _stream_set(streams: Sequence[KnownStream]) -> StreamSet:
    written = {name for stream in streams for name in stream.written_as}
    return StreamSet(
        tuple(stream.identity for stream in streams),
        tuple(stream.labels for stream in streams),
        tuple(sorted(written)),
    )


def _no_lines() -> pa.Table:
    return pa.table(
        {
            "stream": pa.array([], pa.uint64()),
            "time": pa.array([], pa.int64()),
            "line": pa.array([], pa.string()),
            "metadata": pa.array([], pa.string()),
        }
    )


def line_conditions(conditions: Conditions, fields: LogFields, query: LineQuery) -> str:
    """WHERE clause of a query. Wants the settings EXACT_NUMBERS where there are conditions on fields."""
    parts = [*stream_conditions(conditions, query.streams), between_ns(conditions, query.after_ns, query.until_ns)]
    parts += [line_condition(conditions, condition) for condition in query.lines]
    if query.fields:
        holds, unsure = field_tests(conditions, fields, query.fields)
        parts.append(f"({unsure})" if query.only_unsure else f"({unsure} OR ({holds}))")
    return " AND ".join(parts)


def stream_conditions(conditions: Conditions, streams: StreamSet) -> list[str]:
    """Conditions on the first columns of the sorting key."""
    return [
        f"service IN {conditions.bind(list(streams.written_as), 'Array(String)')}",
        f"stream IN {conditions.bind(list(streams.ids), 'Array(UInt64)')}",
    ]


def line_condition(conditions: Conditions, condition: LineCondition) -> str:
    """SQL of one condition. Text first, then what the index of long words lets the engine skip."""
    tests = [f"position(body, {conditions.bind(text, 'String')}) > 0" for text in condition.texts]
    tests += [f"match(body, {conditions.bind(pattern, 'String')})" for pattern in condition.patterns]
    either = f"({' OR '.join(tests)})" if tests else "0"
    if condition.negative:
        return f"NOT {either}"
    only = condition.texts[0] if len(tests) == 1 and condition.texts else ""
    return " AND ".join([either, *word_conditions(conditions, only)])


def field_tests(conditions: Conditions, fields: LogFields, wanted: Sequence[FieldCondition]) -> tuple[str, str]:
    """(every field compares as wanted, the text of the line has to be looked at) as SQL.

    Where no text has to be looked at, the first is the answer of the query language too.
    """
    tests = [_field_test(conditions, fields, condition) for condition in wanted]
    return " AND ".join(holds for holds, _ in tests), " OR ".join(unsure for _, unsure in tests)


def _field_test(conditions: Conditions, fields: LogFields, condition: FieldCondition) -> tuple[str, str]:
    raw = fields.raw(conditions, "body", condition.field)
    number, value = f"toFloat64OrNull({raw})", conditions.bind(condition.value, "Float64")
    named_too = f"{fields.raw(conditions, 'attributes', condition.field)} != ''"
    return f"ifNull({number} {condition.op} {value}, 0)", f"({raw} != '' AND {number} IS NULL) OR {named_too}"
