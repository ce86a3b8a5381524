"""Log lines as requests: Loki's JSON push and OTLP in JSON, as shippers and SDKs send them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from dashboard.demo.log_lines import LogLine
from dashboard.demo.simulation import Workload

MOST_LINES: Final = 4_000
"""Of one request."""

_SEVERITIES: Final = {"debug": 5, "info": 9, "warning": 13, "error": 17}

Stream = tuple[Workload, Sequence[LogLine]]


def loki_requests(streams: Sequence[Stream]) -> Iterator[tuple[bytes, int]]:
    """(JSON body, number of lines) of requests that together hold every line.

    Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs
    """
    for part in _parts(streams):
        yield orjson.dumps({"streams": [entry for stream in part for entry in _loki_streams(*stream)]}), _count(part)


def otlp_requests(streams: Sequence[Stream]) -> Iterator[tuple[bytes, int]]:
    """(JSON body, number of lines), as above. Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding"""
    for part in _parts(streams):
        yield orjson.dumps({"resourceLogs": [_resource_logs(*stream) for stream in part]}), _count(part)


def _parts(streams: Sequence[Stream]) -> Iterator[list[Stream]]:
    """Streams in groups of at most MOST_LINES lines, long ones cut."""
    part: list[Stream] = []
    for workload, lines in streams:
        for start in range(0, len(lines), MOST_LINES):
            cut = lines[start : start + MOST_LINES]
            if part and _count(part) + len(cut) > MOST_LINES:
                yield part
                part = []
            part.append((workload, cut))
    if part:
        yield part


def _count(part: Sequence[Stream]) -> int:
    return sum(len(lines) for _, lines in part)


def _loki_streams(workload: Workload, lines: Sequence[LogLine]) -> Iterator[dict[str, Any]]:
    """One stream a level: Promtail's and Alloy's pipelines make the level a label."""
    for level in _SEVERITIES:
        values = [[str(line.timestamp_ns), _structlog(line)] for line in lines if line.level == level]
        if values:
            labels = {"service_name": workload.service.name, "environment": workload.environment, "level": level}
            yield {"stream": labels, "values": values}


def _structlog(line: LogLine) -> str:
    moment = datetime.fromtimestamp(line.timestamp_ns // 1000 / 1e6, UTC).isoformat(timespec="microseconds")
    return orjson.dumps(
        {"event": line.event, "level": line.level, **line.fields, "timestamp": moment.replace("+00:00", "Z")}
    ).decode()


def _resource_logs(workload: Workload, lines: Sequence[LogLine]) -> dict[str, Any]:
    resource = {
        "service.name": workload.service.name,
        "service.namespace": workload.service.team,
        "deployment.environment.name": workload.environment,
    }
    return {
        "resource": {"attributes": _attributes(resource)},
        "scopeLogs": [{"scope": {"name": "structlog"}, "logRecords": [_record(line) for line in lines]}],
    }


def _record(line: LogLine) -> dict[str, Any]:
    return {
        "timeUnixNano": str(line.timestamp_ns),
        "severityNumber": _SEVERITIES[line.level],
        "severityText": line.level.upper(),
        "body": {"stringValue": line.event},
        "attributes": _attributes(line.fields),
    }


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
