"""JSON lines: one log record a line, as structlog and its like write them.

Which field holds the time, the message and the service can be said; if not, the usual names are tried.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from collectors.wire.decoded import DecodedLogs
from collectors.wire.json_document import check_size, parse_shallow_json
from collectors.wire.limits import DecodeLimits
from collectors.wire.log_columns import LogColumns, LogRow
from collectors.wire.otlp_values import json_text, value_text
from collectors.wire.severity_words import NAMES as SEVERITY_FIELDS
from telemetry.model.errors import InvalidInput
from telemetry.model.logs import severity_number_of

_TRACE_FIELDS: Final = ("trace_id", "traceId", "trace.id", "traceID")
_SPAN_FIELDS: Final = ("span_id", "spanId", "span.id", "spanID")
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Names to look for, best first; the field that is found is taken out of the record's attributes."""

    time: Sequence[str] = ("timestamp", "time", "ts", "@timestamp", "_time", "date")
    message: Sequence[str] = ("event", "message", "msg", "body", "_msg", "log")
    service: Sequence[str] = ("service", "service.name", "service_name", "app", "application")


def decode_json_lines(body: bytes, limits: DecodeLimits, *, received_ns: int, names: FieldNames) -> DecodedLogs:
    """Records of an uncompressed body; lines that are not understood are refused by number, the rest is kept.

    Raises InvalidInput if no line is understood, LimitExceeded.
    """
    check_size(body, limits)
    columns = LogColumns("jsonl", received_ns, limits)
    for number, line in enumerate(body.split(b"\n"), 1):
        if line.strip():
            columns.room_for(1)
            try:
                columns.rows.append(_row(columns, line, names, limits))
            except InvalidInput as error:
                columns.notes.add("invalid_line", f"line {number}: {error}")
    if columns.notes.counts and not columns.rows:
        raise InvalidInput(next(message for _, message in columns.notes.counts))
    return columns.decoded()


def _row(columns: LogColumns, line: bytes, names: FieldNames, limits: DecodeLimits) -> LogRow:
    record = parse_shallow_json(line, limits)
    if not isinstance(record, dict):
        raise InvalidInput("not a JSON object")
    time, message = _take(record, names.time), _take(record, names.message)
    service = value_text(_take(record, names.service))
    word = value_text(_take(record, SEVERITY_FIELDS))
    trace_id, span_id = value_text(_take(record, _TRACE_FIELDS)), value_text(_take(record, _SPAN_FIELDS))
    return LogRow(
        columns.stream((("service", service),) if service else ()),
        *columns.times(nanoseconds(time), 0),
        severity_number_of(word),
        word,
        line.decode() if message is None else value_text(message),
        trace_id,
        span_id,
        json_text(record) if record else "",
    )


def _take(record: dict[str, Any], names: Sequence[str]) -> Any:
    """Value of the first of `names` that the record has, which loses it; None if it has none."""
    for name in names:
        if name in record:
            return record.pop(name)
    return None


def nanoseconds(time: Any) -> int:
    """Nanoseconds since 1970 of an ISO 8601 text or a number of s, ms, us or ns (told by its size); 0 for None.

    Raises InvalidInput showing what is not understood.
    """
    if time is None:
        return 0
    if isinstance(time, str) and not _is_number(time):
        return _iso_nanoseconds(time)
    if isinstance(time, bool) or not isinstance(time, (int, float, str)):
        raise InvalidInput(f"{str(time)[:80]!r} is not a time")
    number = float(time) if isinstance(time, float) or not str(time).isdigit() else int(time)
    if not 0 <= number < math.inf:
        raise InvalidInput(f"{str(time)[:80]!r} is not a time")
    scale = next((scale for limit, scale in _SCALES if number < limit), 1)
    whole = int(number)
    return whole * scale + round((number - whole) * scale)


_SCALES: Final = ((10**11, _NS), (10**14, 10**6), (10**17, 10**3))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit()


def _iso_nanoseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(f"{text[:80]!r} is not a time") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    whole = (since.days * 86_400 + since.seconds) * _NS + since.microseconds * 1000
    if whole < 0:
        raise InvalidInput(f"{text[:80]!r} lies before 1970")
    return whole + _below_microseconds(text)


def _below_microseconds(text: str) -> int:
    """The digits behind the sixth decimal, which `datetime` drops: nanoseconds 0 to 999."""
    digits = ""
    for character in text.partition(".")[2]:
        if not character.isdigit():
            break
        digits += character
    return int(digits[6:9].ljust(3, "0")) if len(digits) > 6 else 0
