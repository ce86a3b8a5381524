"""The export format of systemd's journal: a field a line, binary ones with their length; an empty line ends an entry.

Source: https://systemd.io/JOURNAL_EXPORT_FORMATS/
"""

from collections.abc import Iterator
from typing import Final

from collectors.wire.decoded import DecodedLogs
from collectors.wire.limits import DecodeLimits
from collectors.wire.log_columns import LogColumns, LogRow
from collectors.wire.otlp_values import json_text
from collectors.wire.syslog_severity import SEVERITIES
from telemetry.model.errors import InvalidInput

_SERVICE_FIELDS: Final = ("SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_COMM")
_LABELS: Final = {"_SYSTEMD_UNIT": "unit", "_HOSTNAME": "host", "_TRANSPORT": "transport"}
_TAKEN: Final = ("MESSAGE", "PRIORITY", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "TRACE_ID", "SPAN_ID")

Entry = dict[str, bytes]


def decode_journal(body: bytes, limits: DecodeLimits, *, received_ns: int) -> DecodedLogs:
    """Entries of an uncompressed export; those without a message are kept with an empty one.

    Streams are labelled with service, unit, host and transport; all other fields are attributes. Raises InvalidInput if
    the framing is broken, LimitExceeded.
    """
    limits.check_parts(body.count(b"\n"))
    columns = LogColumns("journal", received_ns, limits)
    for entry in entries(body):
        columns.room_for(1)
        columns.rows.append(_row(columns, entry))
    return columns.decoded()


def entries(body: bytes) -> Iterator[Entry]:
    """Fields of each entry; of a field that is repeated the last."""
    entry: Entry = {}
    position = 0
    while position < len(body):
        end = body.find(b"\n", position)
        line = body[position : end if end >= 0 else len(body)]
        position = len(body) if end < 0 else end + 1
        if not line:
            if entry:
                yield entry
            entry = {}
            continue
        name, equals, value = line.partition(b"=")
        if not equals:
            value, position = _binary(body, position, name)
        entry[name.decode(errors="replace")] = value
    if entry:
        yield entry


def _binary(body: bytes, position: int, name: bytes) -> tuple[bytes, int]:
    """(value, position behind it) of a field whose length stands in front as 64 bits."""
    start = position + 8
    end = start + int.from_bytes(body[position:start], "little")
    if end >= len(body) or body[end : end + 1] != b"\n":
        raise InvalidInput(f"the journal field {name[:80]!r} is cut off or has a wrong length")
    return body[start:end], end + 1


def _row(columns: LogColumns, entry: Entry) -> LogRow:
    texts = {name: value.decode(errors="replace") for name, value in entry.items()}
    service = next((texts[name] for name in _SERVICE_FIELDS if texts.get(name)), "").removesuffix(".service")
    labels = {label: texts[name] for name, label in _LABELS.items() if texts.get(name)}
    if service:
        labels["service"] = service
    word, number = SEVERITIES.get(texts.get("PRIORITY", ""), ("", 0))
    microseconds = _number(texts.get("_SOURCE_REALTIME_TIMESTAMP") or texts.get("__REALTIME_TIMESTAMP") or "0")
    rest = {name: text for name, text in texts.items() if name not in _TAKEN}
    return LogRow(
        columns.stream(tuple(sorted(labels.items()))),
        *columns.times(microseconds * 1000, 0),
        number,
        word,
        texts.get("MESSAGE", ""),
        texts.get("TRACE_ID", ""),
        texts.get("SPAN_ID", ""),
        json_text(rest) if rest else "",
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidInput(f"{text[:80]!r} is not a time in microseconds")
    return int(text)
