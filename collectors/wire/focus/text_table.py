"""CSV to nullable text columns, some rows at a time, naming every row that has the wrong shape."""

import csv
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as arrow_csv

from collectors.wire.focus.columns import NULL_WORDS, check_header
from collectors.wire.focus.errors import FocusRefused, RowError
from collectors.wire.focus.plain_file import PlainFile
from telemetry.model.errors import TelemetryError

FIRST_ROW: Final = 2
"""Row number of the first charge: the header is row 1, as in a spreadsheet."""
_BLOCK: Final = 16 * 1024**2
"""Bytes that are parsed at once; no row may be longer."""


def text_tables(file: PlainFile, broken: list[RowError]) -> Iterator[tuple[int, Any]]:
    """(number of the first row, pyarrow table of text) again and again; rows of the wrong shape go to `broken`.

    Raises FocusRefused for a header without a mandatory column and for what is not CSV.
    """
    header = _header(file.first_line())
    shifted = _Shapes(broken)
    try:
        reader = arrow_csv.open_csv(
            pa.PythonFile(file, mode="r"),
            # one thread: only then does Arrow know the numbers of broken rows
            read_options=arrow_csv.ReadOptions(use_threads=False, column_names=header, block_size=_BLOCK),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=shifted.note),
            convert_options=arrow_csv.ConvertOptions(
                null_values=list(NULL_WORDS), strings_can_be_null=True, column_types=dict.fromkeys(header, pa.string())
            ),
        )
        row = FIRST_ROW
        for batch in reader:
            yield row, pa.Table.from_batches([batch])
            row += batch.num_rows
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        file.check_complete()
        raise FocusRefused(f"the file is not CSV in UTF-8: {error}") from error
    except pa.ArrowException as error:
        if isinstance(error.__cause__, TelemetryError):
            raise error.__cause__ from error
        raise
    file.check_complete()


class _Shapes:
    """Notes rows with too few or too many columns."""

    def __init__(self, broken: list[RowError]) -> None:
        self._broken = broken

    def note(self, row: Any) -> str:
        message = f"has {row.actual_columns} columns, the header has {row.expected_columns}"
        self._broken.append(RowError((row.number or 0) + 1, "", (row.text or "")[:80], message))
        return "skip"


def _header(line: bytes) -> list[str]:
    """Column names of the first line. Raises FocusRefused if one is missing or stands there twice."""
    try:
        text = line.removeprefix(b"\xef\xbb\xbf").decode().rstrip("\r\n")
        names = [name.strip() for name in next(csv.reader([text]), [])]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FocusRefused(f"the first line is no header of column names: {error}") from error
    check_header(names)
    return names
