"""What a line shows of a record: its message, then its fields, from the body or from beside it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from telemetry.model.logs import LogRecord

MOST_FIELDS: Final = 12
LONGEST_VALUE: Final = 80
LONGEST_BODY: Final = 64 * 1024
"""A larger body is shown as it is: reading it would cost more than it tells."""

MESSAGE_NAMES: Final = ("event", "message", "msg", "log", "body")
SHOWN_ELSEWHERE: Final = frozenset(
    {
        "timestamp", "time", "ts", "@timestamp", "level", "severity", "lvl", "service", "service.name", "service_name",
        "detected_level", "severity_text",
    }
)  # fmt: skip
"""Fields that have a column of their own."""

Fields = tuple[tuple[str, str], ...]


def summary(record: LogRecord) -> tuple[str, Fields]:
    """(message, fields) of a record; the message is its body unless that is a JSON object with a message in it."""
    document = _object(record.body)
    name = next((name for name in MESSAGE_NAMES if isinstance(document.get(name), str)), None)
    if name is None:
        return record.body, _fields(record.attributes)
    rest = {key: value for key, value in document.items() if key != name}
    return document[name], _fields({**rest, **record.attributes})


def _object(body: str) -> Mapping[str, Any]:
    if not body.startswith("{") or len(body) > LONGEST_BODY:
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _fields(values: Mapping[str, Any]) -> Fields:
    return tuple(_shown(values))[:MOST_FIELDS]


def _shown(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name in SHOWN_ELSEWHERE or value in (None, "", [], {}):
            continue
        text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        yield name, text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
