"""Log records as rows of a page: each with an address of its own."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from dashboard.panels.log_summary import Fields, summary
from telemetry.model.labels import Labels
from telemetry.model.logs import LogRecord, severity_word


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record for a template."""

    word: str
    """Severity word."""
    time: str
    """"14:03:09.123"."""
    day: str
    """"22 Nov"."""
    title: str
    """The whole time, to the nanosecond."""
    service: str
    body: str
    message: str
    fields: Fields
    """What stands behind the message on the line."""
    href: str
    """Address that shows this record with all its fields."""
    record: LogRecord

    @property
    def query(self) -> str:
        """The query string of `href`."""
        return self.href.partition("?")[2]


def log_line(record: LogRecord) -> LogLine:
    at = datetime.fromtimestamp(record.timestamp_ns // 10**9, UTC)
    word = severity_word(record.severity_number)
    message, fields = summary(record)
    return LogLine(
        word="none" if word == "unspecified" else word,
        time=f"{at:%H:%M:%S}.{record.timestamp_ns // 10**6 % 1000:03d}",
        day=f"{at:%d %b}",
        title=nanosecond_text(record.timestamp_ns),
        service=record.service,
        body=record.body,
        message=message,
        fields=fields,
        href=record_address(record),
        record=record,
    )


def nanosecond_text(timestamp_ns: int) -> str:
    """ISO 8601 with nine digits and Z."""
    at = datetime.fromtimestamp(timestamp_ns // 10**9, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{timestamp_ns % 10**9:09d}Z"


def record_address(record: LogRecord) -> str:
    """`/logs/record?...`: the time, the service and a mark that tells records of one nanosecond apart."""
    return f"/logs/record?{record_query(record)}"


def record_query(record: LogRecord) -> str:
    """Query string that names one record."""
    return urlencode({"at": record.timestamp_ns, "service": record.service, "mark": record_mark(record)})


def record_mark(record: LogRecord) -> str:
    """12 hex digits of the body and the stream."""
    text = json.dumps([record.body, record.stream, record.severity_number], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def find_record(records: Sequence[LogRecord], mark: str) -> LogRecord | None:
    return next((record for record in records if record_mark(record) == mark), None)


def flat_attributes(attributes: Mapping[str, Any], prefix: str = "") -> Labels:
    """Nested values by dotted name, lists as JSON, in the order they were sent."""
    pairs: list[tuple[str, str]] = []
    for name, value in attributes.items():
        if isinstance(value, Mapping) and value:
            pairs.extend(flat_attributes(value, f"{prefix}{name}."))
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            pairs.append((f"{prefix}{name}", text))
    return tuple(pairs)


def indented_json(body: str) -> str:
    """The body indented if it is a JSON object or list, else ''."""
    if not body.lstrip().startswith(("{", "[")):
        return ""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
