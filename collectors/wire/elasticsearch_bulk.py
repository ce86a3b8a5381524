"""Elasticsearch bulk: pairs of lines (action, document), one result an item.

Source: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from collectors.wire.decoded import DecodedLogs
from collectors.wire.json_document import check_size, parse_shallow_json
from collectors.wire.json_record import FieldNames, record_row
from collectors.wire.limits import DecodeLimits
from collectors.wire.log_columns import LogColumns
from telemetry.model.errors import InvalidInput

_STORING: Final = ("create", "index")
_ACTIONS: Final = (*_STORING, "update", "delete")
_NAMES: Final = FieldNames(
    time=("@timestamp", "timestamp", "time", "ts", "date"), message=("message", "msg", "event", "log", "body")
)


@dataclass(frozen=True, slots=True)
class BulkItem:
    """What became of one action; `error` is empty if its document is among the records."""

    action: str
    index: str
    identifier: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class DecodedBulk:
    """Records of one request, and its items in the order of the request."""

    logs: DecodedLogs
    items: tuple[BulkItem, ...]


def decode_bulk(body: bytes, limits: DecodeLimits, *, received_ns: int, index: str = "") -> DecodedBulk:
    """Documents of an uncompressed request; `index` is that of the path. Streams are labelled with their index.

    Log records are only ever added: updates and deletions are refused item by item. Raises InvalidInput if the lines
    do not come in pairs, LimitExceeded.
    """
    check_size(body, limits)
    columns = LogColumns("elasticsearch", received_ns, limits)
    items = tuple(_item(columns, action, meta, line, index, limits) for action, meta, line in _pairs(body, limits))
    return DecodedBulk(columns.decoded(), items)


def _pairs(body: bytes, limits: DecodeLimits) -> Iterator[tuple[str, dict[str, Any], bytes]]:
    """(action, its parameters, line of the document or b'') of each item."""
    lines = enumerate((line for line in body.split(b"\n") if line.strip()), 1)
    for number, line in lines:
        action, meta = _action(line, number, limits)
        yield action, meta, b"" if action == "delete" else _document(lines, number)


def _document(lines: Iterator[tuple[int, bytes]], number: int) -> bytes:
    following = next(lines, None)
    if following is None:
        raise InvalidInput(f"the action in line {number} has no document behind it")
    return following[1]


def _action(line: bytes, number: int, limits: DecodeLimits) -> tuple[str, dict[str, Any]]:
    named = parse_shallow_json(line, limits)
    if isinstance(named, dict) and len(named) == 1:
        ((action, meta),) = named.items()
        if action in _ACTIONS and isinstance(meta, dict):
            return action, meta
    raise InvalidInput(f"line {number} is none of the actions {', '.join(_ACTIONS)}: {line[:80]!r}")


def _item(
    columns: LogColumns, action: str, meta: dict[str, Any], line: bytes, default_index: str, limits: DecodeLimits
) -> BulkItem:
    index, identifier = str(meta.get("_index") or default_index), str(meta.get("_id") or "")
    try:
        if action not in _STORING:
            raise InvalidInput(f"log records cannot be changed or removed one by one, so {action} is refused")
        columns.room_for(1)
        record = parse_shallow_json(line, limits)
        if not isinstance(record, dict):
            raise InvalidInput("the document is not a JSON object")
        labels = (("index", index),) if index else ()
        columns.rows.append(record_row(columns, record, _NAMES, line.decode(errors="replace"), labels))
    except InvalidInput as error:
        columns.notes.add("invalid_document", f"item with action {action}: {error}")
        return BulkItem(action, index, identifier, str(error))
    return BulkItem(action, index, identifier)
