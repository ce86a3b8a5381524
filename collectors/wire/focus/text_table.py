"""CSV to nullable text columns, naming every row that has the wrong shape."""

import csv
import io
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from collectors.wire.focus.columns import NULL_WORDS, missing_columns
from collectors.wire.focus.errors import FocusRefused, RowError, refuse_if
from telemetry.model.errors import LimitExceeded


def text_table(text: bytes, max_charges: int) -> Any:
    """Every column of the file as nullable text."""
    if text.count(b'"') % 2:
        raise FocusRefused("the file ends inside a quoted field: it was cut off")
    broken: list[RowError] = []

    def note_broken(row: Any) -> str:
        message = f"has {row.actual_columns} columns, the header has {row.expected_columns}"
        broken.append(RowError(row.number or 0, "", (row.text or "")[:80], message))
        return "skip"

    header = _header(text)
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(text),
            # one thread: only then does Arrow know the numbers of broken rows
            read_options=arrow_csv.ReadOptions(use_threads=False, column_names=header, skip_rows=1),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note_broken),
            convert_options=arrow_csv.ConvertOptions(
                null_values=list(NULL_WORDS), strings_can_be_null=True, column_types=dict.fromkeys(header, pa.string())
            ),
        )
    except pa.ArrowInvalid as error:
        raise FocusRefused(f"the file is not CSV in UTF-8: {error}") from error
    refuse_if(broken)
    if table.num_rows > max_charges:
        what = f"the file has {table.num_rows} charges; the limit is {max_charges} (BELVEDERE_MAX_CHARGES)"
        raise LimitExceeded(what, limit_name="BELVEDERE_MAX_CHARGES")
    return table.combine_chunks()


def _header(text: bytes) -> list[str]:
    """Column names of the first line. Raises FocusRefused if one is missing or stands there twice."""
    try:
        first = text.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode()
        names = [name.strip() for name in next(csv.reader([first.rstrip("\r")]), [])]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FocusRefused(f"the first line is no header of column names: {error}") from error
    lowered = [name.lower() for name in names]
    if missing := missing_columns(lowered):
        raise FocusRefused(f"columns are missing that FOCUS prescribes: {', '.join(missing)}")
    if twice := sorted({name for name in lowered if lowered.count(name) > 1}):
        raise FocusRefused(f"columns stand in the header twice: {', '.join(twice)}")
    return names
