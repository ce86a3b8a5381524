"""Loki push: a request in protobuf or JSON in, columns out; streams keep their labels exactly.

Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs and pkg/push/push.proto of Loki
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from collectors.wire.decoded import DecodedLogs
from collectors.wire.json_document import an_object, objects, parse_json, whole_number
from collectors.wire.limits import DecodeLimits
from collectors.wire.log_columns import LogColumns, LogRow
from collectors.wire.protobuf import BYTES, fields, read_varint, signed, submessages, utf8
from collectors.wire.severity_words import severity_in_fields, severity_in_line
from collectors.wire.stream_selector import parse_label_set
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels, labels_from
from telemetry.model.logs import severity_number_of

_NS: Final = 1_000_000_000
_TIME_SIZES: Final = (8, 9, 10, 11, 12)
"""Bytes of a time from 1978 on: a tag and five bytes of seconds, perhaps a tag and one to five bytes of nanoseconds."""
_MOST_WORDS: Final = 1_000
_numbers: dict[str, int] = {}
"""severity_number of words that occurred."""

Entry = tuple[int, str, dict[str, str]]
"""(nanoseconds, line, structured metadata)"""


def decode_loki_push(request: bytes, limits: DecodeLimits, *, received_ns: int) -> DecodedLogs:
    """Lines of an uncompressed protobuf request. Raises InvalidInput or LimitExceeded."""
    columns = LogColumns("loki", received_ns, limits)
    for stream in submessages(request, 1, limits):
        selector, entries = _stream_parts(stream, columns)
        if (labels := _accepted(columns, selector, len(entries))) is not None:
            rows = _Rows(columns, labels)
            for entry in entries:
                if (usual := _usual_entry(entry)) is None:
                    rows.add(_entry, entry, limits)
                else:
                    rows.add_usual(*usual)
    return columns.decoded()


def decode_loki_push_json(body: bytes, limits: DecodeLimits, *, received_ns: int) -> DecodedLogs:
    """Lines of a JSON request: values are [nanoseconds as text, line, optional object of structured metadata].

    Raises InvalidInput or LimitExceeded.
    """
    columns = LogColumns("loki", received_ns, limits)
    request = an_object(parse_json(body, limits), "the body")
    if "streams" not in request:
        raise InvalidInput("the body has no list of `streams`")
    for stream in objects(request["streams"], "streams"):
        labels = _json_labels(stream.get("stream"))
        values = stream.get("values", [])
        if not isinstance(values, list):
            raise InvalidInput("values is not a list")
        columns.room_for(len(values))
        if labels:
            rows = _Rows(columns, labels)
            for value in values:
                rows.add(_json_entry, value, limits)
        else:
            columns.notes.add("invalid_labels", "a stream has no labels; at least one is needed", len(values))
    return columns.decoded()


def _accepted(columns: LogColumns, selector: str, entries: int) -> Labels | None:
    """Labels of a stream, None if they are refused, which is noted with the number of its entries."""
    try:
        labels = parse_label_set(selector)
    except InvalidInput as error:
        columns.notes.add("invalid_labels", str(error), entries)
        return None
    if not labels:
        columns.notes.add("invalid_labels", "a stream has no labels; at least one is needed", entries)
    return labels or None


class _Rows:
    """Makes the rows of one stream."""

    def __init__(self, columns: LogColumns, labels: Labels) -> None:
        self._columns = columns
        self._append = columns.rows.append
        self._received_ns = columns.times(0, 0)[1]
        self._stream = columns.stream(labels)
        self._word = severity_in_fields(dict(labels))

    def add(self, decode: Callable[[Any, DecodeLimits], Entry], entry: Any, limits: DecodeLimits) -> None:
        """Take a line; one that is not understood, or lies before 1970, is refused by itself."""
        try:
            timestamp_ns, line, metadata = decode(entry, limits)
            if timestamp_ns < 0:
                raise InvalidInput(f"the timestamp {timestamp_ns} ns of {line[:80]!r} lies before 1970")
            self._columns.rows.append(self._row(timestamp_ns, line, metadata))
        except InvalidInput as error:
            self._columns.notes.add("invalid_entry", str(error))

    def add_usual(self, timestamp_ns: int, line: str) -> None:
        """Take a line without structured metadata: the same as `add`, for the great majority of lines."""
        word = self._word or severity_in_line(line)
        number = _numbers.get(word)
        if number is None:
            number = severity_number_of(word)
            if len(_numbers) < _MOST_WORDS:
                _numbers[word] = number
        time_ns, observed_ns = (timestamp_ns, self._received_ns) if timestamp_ns else self._columns.times(0, 0)
        self._append(LogRow(self._stream, time_ns, observed_ns, number, word, line, "", "", ""))

    def _row(self, timestamp_ns: int, line: str, metadata: dict[str, str]) -> LogRow:
        """Trace and span id are taken from structured metadata, the severity from there, the labels or the line."""
        word = severity_in_fields(metadata) or self._word or severity_in_line(line)
        return LogRow(
            self._stream,
            *self._columns.times(timestamp_ns, 0),
            severity_number_of(word),
            word,
            line,
            metadata.get("trace_id") or metadata.get("traceID") or "",
            metadata.get("span_id") or metadata.get("spanID") or "",
            orjson.dumps(metadata).decode() if metadata else "",
        )


def _stream_parts(stream: bytes, columns: LogColumns) -> tuple[str, list[bytes]]:
    """(labels as text, encoded entries) of an encoded stream."""
    selector = ""
    entries: list[bytes] = []
    for number, wire_type, start, end in _fields_of_stream(stream):
        if number == 2 and wire_type == BYTES:
            entries.append(stream[start:end])
        elif number == 1 and wire_type == BYTES:
            selector = utf8(stream[start:end], "the labels of a stream")
    columns.room_for(len(entries))
    return selector, entries


def _fields_of_stream(stream: bytes) -> Iterator[tuple[int, int, int, int]]:
    """As `fields`; entries of 128 bytes to 16 KiB, which most are, are found without reading a varint byte by byte."""
    position, size = 0, len(stream)
    while position < size:
        if stream[position] == 0x12 and position + 2 < size and stream[position + 1] > 0x7F > stream[position + 2]:
            start = position + 3
            end = start + (stream[position + 1] & 0x7F | stream[position + 2] << 7)
            if end > size:
                raise InvalidInput(f"broken protobuf: an entry at byte {position} is cut")
            yield 2, BYTES, start, end
            position = end
        else:
            found = next(fields(stream, position))
            yield found
            position = found[3]


def _usual_entry(data: bytes) -> tuple[int, str] | None:
    """(nanoseconds, line) of an entry that is a time since 1970 and a line and nothing else, None for any other."""
    size = len(data)
    if size < 20 or data[0] != 0x0A or data[2] != 0x08 or data[1] not in _TIME_SIZES or data[8] != 0x10:
        return None
    at = 2 + data[1]
    if data[7] > 0x0F or data[at - 1] > 0x7F or data[at] != 0x12:
        return None
    nanoseconds = _small_varint(data[9:at])
    seconds = _small_varint(data[3:8])
    length = data[at + 1]
    at += 2
    if length > 0x7F:
        length = length & 0x7F | data[at] << 7
        if data[at] > 0x7F:
            return None
        at += 1
    if at + length != size or nanoseconds is None or seconds is None:
        return None
    return seconds * _NS + nanoseconds, data[at:].decode(errors="replace")


def _small_varint(varint: bytes) -> int | None:
    """Value of a varint of at most five bytes, None if it ends before its last byte."""
    bits = int.from_bytes(varint, "little")
    if bits & 0x8080808080 != 0x8080808080 >> 8 * (5 - len(varint)) & ~(0x80 << 8 * (len(varint) - 1)):
        return None
    return bits & 0x7F | bits >> 1 & 0x3F80 | bits >> 2 & 0x1FC000 | bits >> 3 & 0xFE00000 | bits >> 4 & 0x7F0000000


def _entry(data: bytes, limits: DecodeLimits) -> Entry:
    """(nanoseconds, line, structured metadata) of an encoded entry."""
    timestamp_ns, line = 0, b""
    metadata: dict[str, str] = {}
    for count, (number, wire_type, start, end) in enumerate(fields(data)):
        if number == 1 and wire_type == BYTES:
            timestamp_ns = _timestamp(data, start, end)
        elif number == 2 and wire_type == BYTES:
            line = data[start:end]
        elif number == 3 and wire_type == BYTES:
            name, value = _metadata(data, start, end)
            metadata[name] = value
            limits.check_parts(count)
    return timestamp_ns, line.decode(errors="replace"), metadata


def _timestamp(data: bytes, start: int, end: int) -> int:
    """Nanoseconds of an encoded google.protobuf.Timestamp."""
    parts = {1: 0, 2: 0}
    position = start
    while position < end:
        tag = data[position]
        value, position = read_varint(data, position + 1)
        parts[tag >> 3] = signed(value)
    if position != end or len(parts) > 2:
        raise InvalidInput("a timestamp is not understood")
    return parts[1] * _NS + parts[2]


def _metadata(data: bytes, start: int, end: int) -> tuple[str, str]:
    texts = {1: "", 2: ""}
    for number, wire_type, begin, stop in fields(data, start, end):
        if wire_type == BYTES:
            texts[number] = utf8(data[begin:stop], "structured metadata")
    return texts[1], texts[2]


def _json_labels(stream: Any) -> Labels:
    pairs = an_object(stream, "stream")
    if not all(isinstance(value, str) for value in pairs.values()):
        raise InvalidInput(f"a label of the stream {str(pairs)[:200]} is not text")
    return labels_from(pairs)


def _json_entry(value: Any, _limits: DecodeLimits) -> Entry:
    if not isinstance(value, list) or len(value) not in (2, 3) or not isinstance(value[1], str):
        raise InvalidInput(f'a value is not ["nanoseconds", "line"]: {str(value)[:200]}')
    metadata = an_object(value[2], "structured metadata") if len(value) == 3 else {}
    if not all(isinstance(item, str) for item in metadata.values()):
        raise InvalidInput(f"structured metadata is not all text: {str(metadata)[:200]}")
    return whole_number(value[0], "a timestamp"), value[1], metadata
