"""CSV that a spreadsheet cannot mistake for formulas."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from django.http import StreamingHttpResponse

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


def safe_cell(value: object) -> str:
    """The text of a cell; a leading apostrophe is put before text that a spreadsheet would calculate.

    Numbers keep their sign: only text is quoted (OWASP ASVS 5.0, 1.2.10).
    """
    if value is None:
        return ""
    text = str(value)
    if isinstance(value, int | float | Decimal) or not text.lstrip(" ").startswith(_FORMULA_STARTS):
        return text
    return f"'{text}"


class _Line:
    """What `csv.writer` writes to: hands each line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of the file, one at a time, with safe cells."""
    writer = csv.writer(_Line())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """A download called `name`, streamed."""
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
