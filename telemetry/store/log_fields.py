"""JSON fields of log records that have a column of their own, because they are asked for often.

A column `body::NAME` holds the raw JSON text of the field of a JSON body that becomes the label NAME, that of an
attribute is in `attributes::NAME`; '' where there is none, and a space where the engine cannot be sure: text that is no
JSON for it but may be for the query language, names padded with spaces. Records written before a field was promoted
are read through their JSON until they are rewritten, which the engine does by itself: readers need not know.
"""

import re
import threading
from collections import Counter
from typing import Final

from telemetry.store.conditions import Conditions
from telemetry.store.engine import Engine

SOURCES: Final = ("body", "attributes")
ASKS_TO_PROMOTE: Final = 20
MOST_FIELDS: Final = 24
"""Columns in all: each costs a little of every insert."""
UNSURE: Final = " "
"""Instead of a value: somebody has to look at the text itself."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_COLUMNS: Final = (
    "SELECT name FROM system.columns "
    "WHERE database = {database:String} AND table = 'log_records' AND position(name, '::') > 0"
)
_FIELD: Final = (
    # without its name, and without escapes that may spell it, a text cannot give the label
    "multiIf(position(%source, %name) = 0 AND position(%source, '\\\\u') = 0, '', "
    # the one place with the name is the key
    "countSubstrings(%source, %name) = 1 AND position(%source, '\\\\u') = 0 AND JSONExtractRaw(%source, %name) != '', "
    "JSONExtractRaw(%source, %name), "
    # every key begins and ends with a visible character, so that none becomes the label by being trimmed
    "notEmpty(JSONExtractKeys(%source)) "
    "AND NOT match(concat('\\n', arrayStringConcat(JSONExtractKeys(%source), '\\n'), '\\n'), '\\n[^!-~]|[^!-~]\\n'), "
    "JSONExtractRaw(%source, %name), ' ')"
)


class LogFields:
    """Which fields have columns, and which deserve one. Every method may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        self._columns: frozenset[str] | None = None

    def columns(self) -> frozenset[str]:
        """Names such as `body::status`."""
        if self._columns is None:
            rows = self._engine.rows(_COLUMNS, {"database": self._engine.database})
            self._columns = frozenset(name for (name,) in rows)
        return self._columns

    def raw(self, conditions: Conditions, source: str, name: str) -> str:
        """SQL for the raw JSON text of the field that becomes the label `name` (`503`, `"GET"`).

        '' where there is certainly none, UNSURE where the text itself has to be looked at. `name` has no `_`, which
        labels of nested fields have. Each call counts as asking for the field. The value of text is
        `JSONExtractString` of it, that of a number `toFloat64OrNull`; both are computed once a distinct value.
        """
        column = f"{source}::{name}"
        with self._lock:
            self._asked[column] += 1
        if column in self.columns():
            return f"`{column}`"
        return _field(source, conditions.bind(name, "String"))

    def promote(self) -> list[str]:
        """Make columns for the fields that were asked for often; their names."""
        promoted = self._due()
        for column in promoted:
            source, _, name = column.partition("::")
            quoted = f"'{name}'"
            self._engine.command(
                f"ALTER TABLE log_records ADD COLUMN IF NOT EXISTS `{column}` LowCardinality(String) "
                f"MATERIALIZED {_field(source, quoted)} CODEC(ZSTD(1))"
            )
        if promoted:
            self._columns = None
        return promoted

    def _due(self) -> list[str]:
        with self._lock:
            if not self._asked:
                return []
        have = self.columns()
        with self._lock:
            asked = [column for column, count in self._asked.most_common() if count >= ASKS_TO_PROMOTE]
        wanted = [column for column in asked if column not in have and _is_plain(column)]
        return wanted[: max(0, MOST_FIELDS - len(have))]


def _field(source: str, name: str) -> str:
    """`source` is a column, `name` a literal or parameter."""
    return _FIELD.replace("%source", source).replace("%name", name)


def _is_plain(column: str) -> bool:
    """Whether the field's name may stand in a statement as it is."""
    source, _, name = column.partition("::")
    return source in SOURCES and _NAME.fullmatch(name) is not None
