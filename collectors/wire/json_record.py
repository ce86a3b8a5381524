"""A JSON object as a log record: time, message, service, severity, trace and span found by their usual names.

The fields that are found leave the record; what stays are its attributes, nested values kept. Nested objects as
Elastic's Common Schema has them (`log.level`, `trace.id`) are found with and without their dots.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from collectors.wire.log_columns import LogColumns, LogRow
from collectors.wire.log_time import nanoseconds
from collectors.wire.otlp_values import json_text, value_text
from collectors.wire.severity_words import NAMES as SEVERITY_FIELDS
from telemetry.model.logs import severity_number_of

TRACE_FIELDS: Final = ("trace_id", "traceId", "trace.id", "traceID", "otelTraceID", "dd.trace_id")
SPAN_FIELDS: Final = ("span_id", "spanId", "span.id", "spanID", "otelSpanID", "dd.span_id")
_SEVERITY_FIELDS: Final = (*SEVERITY_FIELDS, "log.level")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Names to look for, best first; the field that is found is taken out of the record's attributes."""

    time: Sequence[str] = ("timestamp", "time", "ts", "@timestamp", "_time", "date")
    message: Sequence[str] = ("event", "message", "msg", "body", "_msg", "log")
    service: Sequence[str] = ("service", "service.name", "service_name", "app", "application")


def record_row(columns: LogColumns, record: dict[str, Any], names: FieldNames, line: str, further: Any = ()) -> LogRow:
    """Row of `record`, which loses what has a column of its own. `line` is its body if it has no message.

    `further` are labels of the stream besides the service. Raises InvalidInput for a time that is not understood.
    """
    time, message = take(record, names.time), take(record, names.message)
    service = _service(record, names.service)
    word = value_text(take(record, _SEVERITY_FIELDS))
    trace_id, span_id = _ids(record)
    labels = tuple(sorted((*further, *((("service", service),) if service else ()))))
    return LogRow(
        columns.stream(labels),
        *columns.times(nanoseconds(time), 0),
        severity_number_of(word),
        word,
        line if message is None else value_text(message),
        trace_id,
        span_id,
        json_text(record) if record else "",
    )


def take(record: dict[str, Any], names: Sequence[str]) -> Any:
    """Value of the first of `names` that the record has, which loses it; None if it has none.

    A name with a dot is also looked for inside the object of that name.
    """
    for name in names:
        if name in record:
            return record.pop(name)
        outer, dot, inner = name.partition(".")
        if dot and isinstance(nested := record.get(outer), dict) and inner in nested:
            return _taken_inside(record, outer, inner)
    return None


def _taken_inside(record: dict[str, Any], outer: str, inner: str) -> Any:
    rest = dict(record[outer])
    value = rest.pop(inner)
    if rest:
        record[outer] = rest
    else:
        del record[outer]
    return value


def _service(record: dict[str, Any], names: Sequence[str]) -> str:
    """Name of the service; an object `service` has it inside."""
    for name in names:
        if name in record and not isinstance(record[name], dict):
            return value_text(record.pop(name))
    return value_text(take(record, [name for name in names if "." in name]))


def _ids(record: dict[str, Any]) -> tuple[str, str]:
    """(trace id, span id), from fields of their own or from a W3C `traceparent`, which stays where it is."""
    trace_id, span_id = value_text(take(record, TRACE_FIELDS)), value_text(take(record, SPAN_FIELDS))
    if not trace_id and isinstance(parent := record.get("traceparent"), str):
        found = _TRACEPARENT.fullmatch(parent.strip())
        return (found[1], span_id or found[2]) if found else ("", span_id)
    return trace_id, span_id


def trace_and_span(elements: dict[str, Any]) -> tuple[str, str]:
    """(trace id, span id) of the first object among the values that has them, which loses them; '' where absent."""
    for value in elements.values():
        if isinstance(value, dict) and any(_ids(dict(value))):
            return _ids(value)
    return "", ""
