"""The file of a FOCUS bill to columns of charges, some rows at a time.

Source: https://focus.finops.org/focus-specification/v1-0/ ; later minor versions add columns, which are kept, and
1.3 renames two. A bill is taken whole or refused whole, naming row, column and value of what is wrong.
"""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from typing import IO, Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from collectors.wire.focus.amounts import amounts_of
from collectors.wire.focus.columns import BY_KEY, COLUMNS, SUCCESSORS, Kind
from collectors.wire.focus.errors import MOST_SHOWN, FocusRefused, RowError, refuse_if
from collectors.wire.focus.parquet import MAGIC, parquet_tables
from collectors.wire.focus.plain_file import plain_file
from collectors.wire.focus.text_table import text_tables
from collectors.wire.limits import DecodeLimits
from telemetry.model.charges import AMOUNT, CHARGE_SCHEMA, MOMENT, ChargeBatch
from telemetry.model.errors import LimitExceeded

CHARGE_CATEGORIES: Final = frozenset({"Usage", "Purchase", "Tax", "Credit", "Adjustment"})
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_LATEST: Final = datetime(2106, 1, 1, tzinfo=UTC)


def decode_focus(body: bytes, limits: DecodeLimits, *, max_charges: int) -> ChargeBatch:
    """Charges of a whole FOCUS file in memory: CSV, packed with gzip or not, or Parquet.

    Raises FocusRefused (with the errors found by row and column, up to a number), InvalidInput for broken gzip,
    LimitExceeded.
    """
    reader = BillReader(limits, max_charges=max_charges)
    tables = [charges.table for charges in reader.read(io.BytesIO(body))]
    return ChargeBatch(pa.concat_tables(tables).combine_chunks(), reader.notices)


class BillReader:
    """Reads one bill some rows at a time; what is odd in it is known after the last of them."""

    def __init__(self, limits: DecodeLimits, *, max_charges: int) -> None:
        self._limits = limits
        self._max_charges = max_charges
        self._empty: Counter[str] = Counter()
        self._rounded: Counter[str] = Counter()
        self.charges = 0

    def read(self, file: IO[bytes]) -> Iterator[ChargeBatch]:
        """The charges, in order. Raises as `decode_focus`, after the rows before the fault were given out."""
        errors: list[RowError] = []
        for first_row, table in self._tables(file, errors):
            self.charges += table.num_rows
            self._check_count()
            bill = _Bill.of(table, first_row, errors, self._empty, self._rounded)
            charges = _charges(bill)
            if charges is not None and not errors:
                yield ChargeBatch(charges)
            if len(errors) > MOST_SHOWN:
                break
        refuse_if(errors)
        if not self.charges:
            raise FocusRefused("the file has a header but no charges")

    def _tables(self, file: IO[bytes], errors: list[RowError]) -> Iterator[tuple[int, Any]]:
        file.seek(0)
        if file.read(4) == MAGIC:
            file.seek(0)
            return parquet_tables(file, self._limits)
        return text_tables(plain_file(file, self._limits), errors)

    def _check_count(self) -> None:
        if self.charges > self._max_charges:
            what = (
                f"the file has {self.charges} charges or more; the limit is {self._max_charges} (BELVEDERE_MAX_CHARGES)"
            )
            raise LimitExceeded(what, limit_name="BELVEDERE_MAX_CHARGES")

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences about what is odd but does not change an amount."""
        empty = (
            f"{column} is empty in {count} of {self.charges} rows, which FOCUS does not allow"
            for column, count in self._empty.items()
        )
        rounded = (
            f"{column} has {count} values with more than 18 decimal places; they were rounded to 18"
            for column, count in self._rounded.items()
        )
        return (*empty, *rounded)


@dataclass(frozen=True, slots=True)
class _Bill:
    """Text columns of some rows by name and by lower-case name, and what was found in all rows so far."""

    named: dict[str, Any]
    texts: dict[str, Any]
    rows: int
    first_row: int
    errors: list[RowError]
    empty: Counter[str]
    rounded: Counter[str]

    @classmethod
    def of(
        cls, table: Any, first_row: int, errors: list[RowError], empty: Counter[str], rounded: Counter[str]
    ) -> "_Bill":
        named = {name: table[name].combine_chunks() for name in table.column_names}
        texts = {name.lower(): column for name, column in named.items()}
        return cls(named, texts, table.num_rows, first_row, errors, empty, rounded)

    def texts_of(self, column: str) -> Any:
        """pyarrow string array; all null where the file has no such column."""
        found = self.texts.get(column.lower(), self.texts.get(SUCCESSORS.get(column, "")))
        return pa.nulls(self.rows, pa.string()) if found is None else found

    def refuse_rows(self, column: str, bad: Any, reason: Callable[[str | None], str]) -> None:
        """Note an error for every row where the boolean array `bad` is true."""
        texts = self.texts_of(column)
        for index in pc.indices_nonzero(bad).to_pylist():
            value = texts[index].as_py()
            self.errors.append(RowError(index + self.first_row, column, value or "", reason(value)))


def _charges(bill: _Bill) -> Any | None:
    """Table with CHARGE_SCHEMA, None where a value is wrong."""
    known = len(bill.errors)
    columns = {column.target: _READERS[column.kind](bill, column.name) for column in COLUMNS}
    _check_periods(bill, columns)
    if len(bill.errors) > known:
        return None
    columns["row"] = pa.array(range(bill.first_row, bill.rows + bill.first_row), pa.uint32())
    columns["extra"] = pa.array(_extra(bill), pa.string())
    return pa.table([columns[field.name] for field in CHARGE_SCHEMA], schema=CHARGE_SCHEMA)


def _check_periods(bill: _Bill, columns: dict[str, Any]) -> None:
    for word in ("billing", "charge"):
        start, end = columns[f"{word}_period_start"], columns[f"{word}_period_end"]
        empty = pc.fill_null(pc.less_equal(end, start), False)
        column = f"{word.capitalize()}Period"
        starts = bill.texts_of(f"{column}Start")
        for index in pc.indices_nonzero(empty).to_pylist():
            value = bill.texts_of(f"{column}End")[index].as_py()
            reason = f"is not after {column}Start {starts[index].as_py()!r} (ends are exclusive)"
            bill.errors.append(RowError(index + bill.first_row, f"{column}End", value, reason))


def _texts(bill: _Bill, column: str) -> Any:
    return pc.fill_null(bill.texts_of(column), "")


def _needed_texts(bill: _Bill, column: str) -> Any:
    texts = bill.texts_of(column)
    if texts.null_count:
        bill.empty[column] += texts.null_count
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
    bill.errors.extend(RowError(index + bill.first_row, column, value, reason) for index, value, reason in errors)
    if rounded:
        bill.rounded[column] += rounded
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
