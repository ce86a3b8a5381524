"""A log query as SQL conditions."""

import re
from typing import Final

from telemetry.store.conditions import Conditions, instant_ns
from telemetry.store.log_words import word_conditions
from telemetry.store.queries import LogQuery
from telemetry.store.stream_reader import StreamFilter

_TOKEN: Final = re.compile(r"[0-9A-Za-z\x80-\U0010ffff]+")
"""What the engine's token index takes for a word: ASCII letters and digits, and everything beyond ASCII."""
_TEXTS: Final = ("body", "attributes", "trace_id", "span_id")


def log_conditions(conditions: Conditions, query: LogQuery, streams: StreamFilter, start_ns: int, end_ns: int) -> str:
    """WHERE clause for records of `query` with start_ns <= timestamp <= end_ns."""
    parts = [f"timestamp >= {instant_ns(conditions, start_ns)}", f"timestamp <= {instant_ns(conditions, end_ns)}"]
    parts += _stream_parts(conditions, streams)
    parts += _record_parts(conditions, query)
    parts += _text_parts(conditions, query)
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
        parts += _trace_parts(conditions, query.trace_id)
    return parts


def _trace_parts(conditions: Conditions, trace_id: str) -> list[str]:
    """Lines of JSON carry the id in their body, from where it is not copied."""
    wanted = conditions.bind(trace_id, "String")
    in_body = f" OR hasToken(body, {wanted})" if _TOKEN.fullmatch(trace_id) else ""
    return [f"(trace_id = {wanted}{in_body})", *word_conditions(conditions, trace_id)]


def _text_parts(conditions: Conditions, query: LogQuery) -> list[str]:
    parts = []
    if query.token:
        words = dict.fromkeys(_TOKEN.findall(query.token))
        parts += [_anywhere(f"hasToken(%, {conditions.bind(word, 'String')})") for word in words]
        parts.append(_anywhere(f"position(%, {conditions.bind(query.token, 'String')}) > 0"))
        parts += word_conditions(conditions, query.token)
    if query.text:
        parts.append(_anywhere(f"positionCaseInsensitiveUTF8(%, {conditions.bind(query.text, 'String')}) > 0"))
    return parts


def _anywhere(condition: str) -> str:
    """`condition` on any text of a record; % stands for its column."""
    return "(" + " OR ".join(condition.replace("%", column) for column in _TEXTS) + ")"
