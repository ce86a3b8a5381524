"""A log query as SQL conditions."""

import re
from typing import Final

from telemetry.store.conditions import Conditions, instant_ns
from telemetry.store.queries import LogQuery
from telemetry.store.stream_reader import StreamFilter

_TOKEN: Final = re.compile(r"[0-9A-Za-z\x80-\U0010ffff]+")
"""What the engine's token index takes for a word: ASCII letters and digits, and everything beyond ASCII."""


def log_conditions(conditions: Conditions, query: LogQuery, streams: StreamFilter, start_ns: int, end_ns: int) -> str:
    """WHERE clause for records of `query` with start_ns <= timestamp <= end_ns."""
    parts = [f"timestamp >= {instant_ns(conditions, start_ns)}", f"timestamp <= {instant_ns(conditions, end_ns)}"]
    parts += _stream_parts(conditions, streams)
    parts += _record_parts(conditions, query)
    parts += _body_parts(conditions, query)
    return " AND ".join(parts)


def _stream_parts(conditions: Conditions, streams: StreamFilter) -> list[str]:
    parts = []
    if streams.written_as is not None:
        parts.append(f"service IN {conditions.bind(list(streams.written_as), 'Array(String)')}")
    if streams.ids is not None:
        parts.append(f"stream IN {conditions.bind(list(streams.ids), 'Array(UInt64)')}")
    return parts


def _record_parts(conditions: Conditions, query: LogQuery) -> list[str]:
    parts = []
    if query.severity_min > 0:
        parts.append(f"severity_number >= {conditions.bind(query.severity_min, 'UInt8')}")
    if query.severity_max < 255:
        parts.append(f"severity_number <= {conditions.bind(query.severity_max, 'UInt8')}")
    if query.trace_id:
        parts.append(f"trace_id = {conditions.bind(query.trace_id, 'String')}")
    return parts


def _body_parts(conditions: Conditions, query: LogQuery) -> list[str]:
    parts = []
    if query.token:
        words = dict.fromkeys(_TOKEN.findall(query.token))
        parts += [f"hasToken(body, {conditions.bind(word, 'String')})" for word in words]
        parts.append(f"position(body, {conditions.bind(query.token, 'String')}) > 0")
    if query.text:
        parts.append(f"positionCaseInsensitiveUTF8(body, {conditions.bind(query.text, 'String')}) > 0")
    return parts
