"""JSON lines: one log record a line, as structlog and its like write them.

Which field holds the time, the message and the service can be said; if not, the usual names are tried.
"""

from collectors.wire.decoded import DecodedLogs
from collectors.wire.json_document import check_size, parse_shallow_json
from collectors.wire.json_record import FieldNames, record_row
from collectors.wire.limits import DecodeLimits
from collectors.wire.log_columns import LogColumns, LogRow
from telemetry.model.errors import InvalidInput


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
    return record_row(columns, record, names, line.decode(errors="replace"))
