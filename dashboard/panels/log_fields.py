"""Fields of the newest records of a search with their most frequent values: of JSON bodies and of attributes."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from dashboard.panels.log_filter import LogFilter
from dashboard.panels.log_summary import MESSAGE_NAMES, SHOWN_ELSEWHERE
from telemetry.model.logs import LogRecord
from telemetry.store import LogQuery, TelemetryStore

SAMPLE: Final = 1000
"""Records that are looked at: fields are counted in these, not in the whole range."""
MOST_FIELDS: Final = 40
MOST_VALUES: Final = 8
LONGEST_VALUE: Final = 200
FEW_VALUES: Final = 12
"""A field with more values is closed until somebody opens it."""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One value and the filters that its links lead to."""

    value: str
    records: int
    chosen: bool
    only: list[str]
    """Conditions of the address with this value asked for, or no longer."""
    without: list[str]
    """Conditions with this value excluded."""


@dataclass(frozen=True, slots=True)
class LogField:
    """One field with its most frequent values."""

    name: str
    values: list[FieldValue]
    records: int
    different: int
    """Values in the sample."""
    is_telling: bool
    """Whether it is worth a look: few values, or one of them chosen."""


@dataclass(frozen=True, slots=True)
class FieldList:
    fields: list[LogField]
    sampled: int


def field_list(store: TelemetryStore, query: LogQuery, wanted: LogFilter) -> FieldList:
    """Fields of the newest SAMPLE records, the most frequent first."""
    records = store.search_logs(replace(query, limit=SAMPLE, cursor=None))
    counted: dict[str, Counter[str]] = {}
    for record in records:
        for name, value in record_fields(record):
            counted.setdefault(name, Counter())[value[:LONGEST_VALUE]] += 1
    names = sorted(counted, key=lambda name: (_is_identity(counted[name]), -counted[name].total(), name))[:MOST_FIELDS]
    return FieldList([_field(name, counted[name], wanted) for name in names], len(records))


def record_fields(record: LogRecord) -> list[tuple[str, str]]:
    """(dotted name, text) of each field of a JSON body and of the attributes, the message left out."""
    return [*_flat(_object(record.body), ""), *_flat(record.attributes, "")]


def _flat(document: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in document.items():
        if not prefix and (name in SHOWN_ELSEWHERE or name in MESSAGE_NAMES):
            continue
        if isinstance(value, dict) and value:
            pairs += _flat(value, f"{prefix}{name}.")
        else:
            pairs.append(
                (f"{prefix}{name}", value if isinstance(value, str) else orjson.dumps(value, default=str).decode())
            )
    return pairs


def _object(body: str) -> dict[str, Any]:
    if not body.startswith("{"):
        return {}
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _field(name: str, values: "Counter[str]", wanted: LogFilter) -> LogField:
    shown = [_value(name, value, number, wanted) for value, number in values.most_common(MOST_VALUES)]
    telling = 1 < len(values) <= FEW_VALUES or any(value.chosen for value in shown)
    return LogField(name, shown, values.total(), len(values), telling)


def _is_identity(values: "Counter[str]") -> bool:
    """Whether nearly every record has a value of its own, as ids and traces have."""
    return len(values) > FEW_VALUES and len(values) > values.total() // 2


def _value(name: str, value: str, records: int, wanted: LogFilter) -> FieldValue:
    only, without = f"{name}={value}", f"{name}!={value}"
    rest = [text for text in wanted.fields if text not in (only, without)]
    chosen = only in wanted.fields
    return FieldValue(value, records, chosen, rest if chosen else [*rest, only], [*rest, without])
