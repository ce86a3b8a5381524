"""Log records as rows of a table with chosen fields as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboard.panels.log_fields import record_fields
from dashboard.panels.log_lines import LogLine

MOST_COLUMNS: Final = 12


@dataclass(frozen=True, slots=True)
class TableRow:
    line: LogLine
    cells: list[tuple[str, str]]
    """(column, text); "" where the record has no such field."""


def table_rows(lines: Sequence[LogLine], columns: Sequence[str]) -> list[TableRow]:
    """One row a line; a column is a field of the body or the attributes, else a stream label."""
    rows = []
    for line in lines:
        values = {**dict(line.record.stream), **dict(record_fields(line.record))}
        rows.append(TableRow(line, [(name, values.get(name, "")) for name in columns]))
    return rows
