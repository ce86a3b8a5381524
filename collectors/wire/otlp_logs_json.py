"""OTLP logs in their JSON form: lowerCamelCase names, ids in hex, enums as numbers, 64-bit numbers as strings.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import re
from typing import Any, Final

from collectors.wire.decoded import DecodedLogs
from collectors.wire.json_document import an_object, objects, parse_json, text, whole_number
from collectors.wire.limits import MAX_DEPTH, DecodeLimits
from collectors.wire.log_columns import LogColumns, LogRow, severity
from collectors.wire.otlp_values import json_number, json_text, value_text
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels

_HEX: Final = re.compile(r"[0-9a-fA-F]+")


def decode_otlp_logs_json(body: bytes, limits: DecodeLimits, *, received_ns: int) -> DecodedLogs:
    """Records of a request, as `decode_otlp_logs` gives them. Raises InvalidInput or LimitExceeded."""
    columns = LogColumns("otlp", received_ns, limits)
    request = an_object(parse_json(body, limits), "the body")
    for resource_logs in objects(request.get("resourceLogs"), "resourceLogs"):
        resource = an_object(resource_logs.get("resource"), "resource")
        stream = columns.stream(_labels(resource))
        for scope_logs in objects(resource_logs.get("scopeLogs"), "scopeLogs"):
            scope = _scope_attributes(an_object(scope_logs.get("scope"), "scope"))
            records = objects(scope_logs.get("logRecords"), "logRecords")
            columns.room_for(len(records))
            columns.rows.extend([_row(columns, stream, scope, record) for record in records])
    return columns.decoded()


def _row(columns: LogColumns, stream: int, scope: dict[str, Any], record: dict[str, Any]) -> LogRow:
    severity_text = text(record.get("severityText"), "severityText")
    event = text(record.get("eventName"), "eventName")
    attributes = scope | ({"event.name": event} if event else {}) | _pairs(record.get("attributes"), "attributes", 0)
    return LogRow(
        stream,
        *columns.times(_nanoseconds(record, "timeUnixNano"), _nanoseconds(record, "observedTimeUnixNano")),
        severity(whole_number(record.get("severityNumber"), "severityNumber"), severity_text),
        severity_text,
        value_text(_value(record.get("body"), 0)),
        _hex(record.get("traceId"), "traceId"),
        _hex(record.get("spanId"), "spanId"),
        json_text(attributes) if attributes else "",
    )


def _labels(resource: dict[str, Any]) -> Labels:
    pairs = _pairs(resource.get("attributes"), "resource attributes", 0)
    texts = ((key, value_text(value)) for key, value in sorted(pairs.items()))
    return tuple((key, value) for key, value in texts if value)


def _scope_attributes(scope: dict[str, Any]) -> dict[str, Any]:
    named = {f"otel.scope.{name}": text(scope.get(name), f"scope {name}") for name in ("name", "version")}
    return {name: value for name, value in named.items() if value}


def _pairs(attributes: Any, what: str, depth: int) -> dict[str, Any]:
    return {text(pair.get("key"), "key"): _value(pair.get("value"), depth) for pair in objects(attributes, what)}


def _value(value: Any, depth: int) -> Any:
    """An AnyValue in JSON form as plain JSON, of several kinds in one object the first known one."""
    if depth > MAX_DEPTH:
        raise InvalidInput(f"an attribute value is nested deeper than {MAX_DEPTH} levels")
    for kind, content in an_object(value, "an attribute value").items():
        match kind:
            case "stringValue" | "bytesValue":
                return text(content, kind)
            case "boolValue":
                return bool(content)
            case "intValue":
                return _int64(content)
            case "doubleValue":
                return _double(content)
            case "arrayValue":
                items = objects(an_object(content, kind).get("values"), kind)
                return [_value(item, depth + 1) for item in items]
            case "kvlistValue":
                return _pairs(an_object(content, kind).get("values"), kind, depth + 1)
    return None


def _int64(content: Any) -> int:
    number = whole_number(content, "intValue")
    if not -(2**63) <= number < 2**63:
        raise InvalidInput(f"intValue does not fit 64 bits: {number}")
    return number


def _double(content: Any) -> float | str:
    try:
        return json_number(float(content))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"doubleValue is not a number: {str(content)[:80]!r}") from error


def _nanoseconds(record: dict[str, Any], name: str) -> int:
    value = whole_number(record.get(name), name)
    if value < 0:
        raise InvalidInput(f"{name} is negative: {value}")
    return value


def _hex(value: Any, what: str) -> str:
    """An id in lower case, '' if it is absent or all zero. Raises InvalidInput if it is not hexadecimal."""
    digits = text(value, what)
    if not digits.strip("0"):
        return ""
    if not _HEX.fullmatch(digits):
        raise InvalidInput(f"{what} is not hexadecimal: {digits[:80]!r}")
    return digits.lower()
