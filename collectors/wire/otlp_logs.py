"""OTLP logs: an ExportLogsServiceRequest in protobuf in, columns out.

Only the outer messages are walked by hand; a record is parsed by protobuf with its body and attributes left as
bytes. So nothing is allocated before it is counted, and attributes that repeat are decoded once.
Source: opentelemetry/proto/logs/v1/logs.proto and collector/logs/v1/logs_service.proto
"""

from typing import Final

from collectors.wire.decoded import DecodedLogs
from collectors.wire.limits import DecodeLimits
from collectors.wire.log_columns import LogColumns, LogRow, severity
from collectors.wire.otlp_values import AttributeReader, value_text
from collectors.wire.protobuf import BYTES, fields, message_type, parse, submessages

_RECORD: Final = message_type(
    "LogRecord",
    time_unix_nano=(1, "fixed64", "optional"),
    severity_number=(2, "int32", "optional"),
    severity_text=(3, "bytes", "optional"),
    body=(5, "bytes", "optional"),
    attributes=(6, "bytes", "repeated"),
    trace_id=(9, "bytes", "optional"),
    span_id=(10, "bytes", "optional"),
    observed_time_unix_nano=(11, "fixed64", "optional"),
    event_name=(12, "bytes", "optional"),
)


def decode_otlp_logs(request: bytes, limits: DecodeLimits, *, received_ns: int) -> DecodedLogs:
    """Records of an uncompressed request; streams are the resources, exactly as sent.

    The scope becomes the attributes `otel.scope.name` and `otel.scope.version`, the event name `event.name`.
    Raises InvalidInput if the message is broken, LimitExceeded before anything is allocated.
    """
    decoder = _Decoder(limits, received_ns)
    for resource_logs in submessages(request, 1, limits):
        decoder.resource_logs(resource_logs)
    return decoder.columns.decoded()


class _Decoder:
    def __init__(self, limits: DecodeLimits, received_ns: int) -> None:
        self._limits = limits
        self._attributes = AttributeReader(limits)
        self.columns = LogColumns("otlp", received_ns, limits)

    def resource_logs(self, data: bytes) -> None:
        resources = submessages(data, 1, self._limits)
        attributes = submessages(resources[-1], 1, self._limits) if resources else []
        stream = self.columns.stream(self._attributes.labels(attributes))
        for scope_logs in submessages(data, 2, self._limits):
            self._scope_logs(stream, scope_logs)

    def _scope_logs(self, stream: int, data: bytes) -> None:
        scope: dict[str, str] = {}
        records: list[bytes] = []
        for number, wire_type, start, end in fields(data):
            if wire_type != BYTES:
                continue
            if number == 2:
                records.append(data[start:end])
                self.columns.room_for(len(records))
            elif number == 1:
                scope = _scope_attributes(data[start:end])
        self.columns.rows.extend([self._row(stream, scope, record) for record in records])

    def _row(self, stream: int, scope: dict[str, str], data: bytes) -> LogRow:
        record = parse(_RECORD, data, self._limits)
        text = record.severity_text.decode(errors="replace")
        if record.event_name:
            scope = {**scope, "event.name": record.event_name.decode(errors="replace")}
        return LogRow(
            stream,
            *self.columns.times(record.time_unix_nano, record.observed_time_unix_nano),
            severity(record.severity_number, text),
            text,
            self._body(record.body),
            record.trace_id.hex() if any(record.trace_id) else "",
            record.span_id.hex() if any(record.span_id) else "",
            self._attributes.json_object(record.attributes, scope),
        )

    def _body(self, data: bytes) -> str:
        """Text of an AnyValue; the usual one is a string field and nothing else."""
        if len(data) > 1 and data[0] == 0x0A and data[1] < 0x80 and data[1] == len(data) - 2:
            return data[2:].decode(errors="replace")
        return value_text(self._attributes.value(data))


def _scope_attributes(data: bytes) -> dict[str, str]:
    names = {1: "otel.scope.name", 2: "otel.scope.version"}
    return {
        names[number]: data[start:end].decode(errors="replace")
        for number, wire_type, start, end in fields(data)
        if wire_type == BYTES and number in names and end > start
    }
