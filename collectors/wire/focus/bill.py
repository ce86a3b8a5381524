"""The CSV file of a FOCUS bill to columns of charges.

Source: https://focus.finops.org/focus-specification/v1-0/ ; later minor versions only add columns, which are kept.
A bill is decoded whole or refused whole, naming row, column and value of what is wrong.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from collectors.wire.compression import gzip_members
from collectors.wire.focus.amounts import amounts_of
from collectors.wire.focus.columns import BY_KEY, COLUMNS, Kind
from collectors.wire.focus.errors import FocusRefused, RowError, refuse_if
from collectors.wire.focus.text_table import text_table
from collectors.wire.limits import DecodeLimits
from telemetry.model.charges import AMOUNT, CHARGE_SCHEMA, MOMENT, ChargeBatch

CHARGE_CATEGORIES: Final = frozenset({"Usage", "Purchase", "Tax", "Credit", "Adjustment"})
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_LATEST: Final = datetime(2106, 1, 1, tzinfo=UTC)
_GZIP: Final = b"\x1f\x8b"
_FIRST_ROW: Final = 2
"""Row number of the first charge: the header is row 1, as in a spreadsheet."""


def decode_focus(body: bytes, limits: DecodeLimits, *, max_charges: int) -> ChargeBatch:
    """Charges of a FOCUS CSV file, packed with gzip or not.

    Raises FocusRefused (with the errors found by row and column, up to a number), InvalidInput for broken gzip,
    LimitExceeded.
    """
    return _charges(text_table(plain_bytes(body, limits), max_charges))


def plain_bytes(body: bytes, limits: DecodeLimits) -> bytes:
    """`body`, or what it holds if it is gzip. Raises InvalidInput for broken gzip, LimitExceeded."""
    if body.startswith(_GZIP):
        return gzip_members(body, limits)
    limits.check_decoded(len(body))
    return body


@dataclass(frozen=True, slots=True)
class _Bill:
    """Text columns of the file by name and by lower-case name, and the errors found so far."""

    named: dict[str, Any]
    texts: dict[str, Any]
    rows: int
    errors: list[RowError]
    notices: list[str]

    def texts_of(self, column: str) -> Any:
        """pyarrow string array; all null where the file has no such column."""
        found = self.texts.get(column.lower())
        return pa.nulls(self.rows, pa.string()) if found is None else found

    def refuse_rows(self, column: str, bad: Any, reason: Callable[[str | None], str]) -> None:
        """Note an error for every row where the boolean array `bad` is true."""
        texts = self.texts_of(column)
        for index in pc.indices_nonzero(bad).to_pylist():
            value = texts[index].as_py()
            self.errors.append(RowError(index + _FIRST_ROW, column, value or "", reason(value)))


def _charges(table: Any) -> ChargeBatch:
    if not table.num_rows:
        raise FocusRefused("the file has a header but no charges")
    named = {name: table[name].combine_chunks() for name in table.column_names}
    bill = _Bill(named, {name.lower(): texts for name, texts in named.items()}, table.num_rows, [], [])
    columns = {column.target: _READERS[column.kind](bill, column.name) for column in COLUMNS}
    _check_periods(bill, columns)
    refuse_if(bill.errors)
    columns["row"] = pa.array(range(_FIRST_ROW, bill.rows + _FIRST_ROW), pa.uint32())
    columns["extra"] = pa.array(_extra(bill), pa.string())
    table = pa.table([columns[field.name] for field in CHARGE_SCHEMA], schema=CHARGE_SCHEMA)
    return ChargeBatch(table, tuple(bill.notices))


def _check_periods(bill: _Bill, columns: dict[str, Any]) -> None:
    for word in ("billing", "charge"):
        start, end = columns[f"{word}_period_start"], columns[f"{word}_period_end"]
        empty = pc.fill_null(pc.less_equal(end, start), False)
        column = f"{word.capitalize()}Period"
        starts = bill.texts_of(f"{column}Start")
        for index in pc.indices_nonzero(empty).to_pylist():
            value = bill.texts_of(f"{column}End")[index].as_py()
            reason = f"is not after {column}Start {starts[index].as_py()!r} (ends are exclusive)"
            bill.errors.append(RowError(index + _FIRST_ROW, f"{column}End", value, reason))


def _texts(bill: _Bill, column: str) -> Any:
    return pc.fill_null(bill.texts_of(column), "")


def _needed_texts(bill: _Bill, column: str) -> Any:
    texts = bill.texts_of(column)
    if missing := texts.null_count:
        bill.notices.append(f"{column} is empty in {missing} of {bill.rows} rows, which FOCUS does not allow")
    return pc.fill_null(texts, "")


def _by_distinct(bill: _Bill, column: str, read: Callable[[str], Any], kind: Any) -> Any:
    """Array of read(text), called once for each distinct text; a ValueError's message becomes the row's error."""
    encoded = pc.dictionary_encode(bill.texts_of(column))
    values, reasons = [], {}
    for text in encoded.dictionary.to_pylist():
        try:
            values.append(read(text))
        except ValueError as error:
            values.append(None)
            reasons[text] = str(error)
    if reasons:
        bad = pc.is_in(bill.texts_of(column), pa.array(list(reasons), pa.string()))
        bill.refuse_rows(column, bad, lambda value: reasons[value or ""])
    return pc.take(pa.array(values, kind), encoded.indices)


def _refuse_nulls(bill: _Bill, column: str, array: Any) -> Any:
    bill.refuse_rows(column, pc.is_null(bill.texts_of(column)), lambda _: "is empty")
    return array


def _moments(bill: _Bill, column: str) -> Any:
    return _refuse_nulls(bill, column, _by_distinct(bill, column, _moment, MOMENT))


def _moment(text: str) -> datetime:
    """UTC moment of an ISO 8601 text; no offset means UTC, as FOCUS prescribes."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is not a date and time such as 2024-09-01T00:00:00Z") from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if not datetime(1970, 1, 1, tzinfo=UTC) <= moment < _LATEST:
        raise ValueError("is outside 1970 to 2105")
    return moment


def _categories(bill: _Bill, column: str) -> Any:
    return _refuse_nulls(bill, column, _by_distinct(bill, column, _category, pa.string()))


def _category(text: str) -> str:
    if text not in CHARGE_CATEGORIES:
        raise ValueError(f"is not one of {', '.join(sorted(CHARGE_CATEGORIES))}")
    return text


def _currencies(bill: _Bill, column: str) -> Any:
    return _refuse_nulls(bill, column, _by_distinct(bill, column, _currency, pa.string()))


def _currency(text: str) -> str:
    if not _CURRENCY.fullmatch(text):
        raise ValueError("is not a currency code of ISO 4217, such as USD")
    return text


def _tags(bill: _Bill, column: str) -> Any:
    return pc.fill_null(_by_distinct(bill, column, _tag_object, pa.string()), "")


def _tag_object(text: str) -> str:
    try:
        tags = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from error
    if not isinstance(tags, dict):
        raise ValueError("is not a JSON object of tag names and values")
    return text


def _optional_amounts(bill: _Bill, column: str) -> Any:
    amounts, errors, rounded = amounts_of(bill.texts_of(column))
    bill.errors.extend(RowError(index + _FIRST_ROW, column, value, reason) for index, value, reason in errors)
    if rounded:
        bill.notices.append(f"{column} has {rounded} values with more than 18 decimal places; they were rounded to 18")
    return amounts if amounts is not None else pa.nulls(bill.rows, AMOUNT)


def _amounts(bill: _Bill, column: str) -> Any:
    return _refuse_nulls(bill, column, _optional_amounts(bill, column))


def _expected_amounts(bill: _Bill, column: str) -> Any:
    _needed_texts(bill, column)
    return _optional_amounts(bill, column)


_READERS: Final[dict[Kind, Callable[[_Bill, str], Any]]] = {
    Kind.TEXT: _texts,
    Kind.EXPECTED_TEXT: _needed_texts,
    Kind.CATEGORY: _categories,
    Kind.CURRENCY: _currencies,
    Kind.MOMENT: _moments,
    Kind.AMOUNT: _amounts,
    Kind.EXPECTED_AMOUNT: _expected_amounts,
    Kind.OPTIONAL_AMOUNT: _optional_amounts,
    Kind.TAGS: _tags,
}


def _extra(bill: _Bill) -> Iterator[str]:
    """JSON object of the columns that have no place of their own, '' where a row has none."""
    others = {name: texts for name, texts in bill.named.items() if name.lower() not in BY_KEY}
    filled = {name: texts for name, texts in others.items() if texts.null_count < bill.rows}
    if not filled:
        return repeat("", bill.rows)
    names = list(filled)
    rows = zip(*(texts.to_pylist() for texts in filled.values()), strict=True)
    return (_extra_object(names, values) for values in rows)


def _extra_object(names: list[str], values: tuple[str | None, ...]) -> str:
    kept = {name: value for name, value in zip(names, values, strict=True) if value is not None}
    return orjson.dumps(kept).decode() if kept else ""
