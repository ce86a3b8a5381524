"""Parquet to nullable text columns, some rows at a time: what is typed there is read as the CSV would write it."""

from collections.abc import Iterator
from typing import IO, Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from collectors.wire.focus.columns import check_header
from collectors.wire.focus.errors import FocusRefused
from collectors.wire.focus.text_table import FIRST_ROW
from collectors.wire.limits import DecodeLimits

MAGIC: Final = b"PAR1"
_ROWS: Final = 50_000


def parquet_tables(file: IO[bytes], limits: DecodeLimits) -> Iterator[tuple[int, Any]]:
    """As `text_tables`. Raises FocusRefused for what is not Parquet, LimitExceeded."""
    try:
        document = pq.ParquetFile(file)
        names = [name.strip() for name in document.schema_arrow.names]
        check_header(names)
        groups = (document.metadata.row_group(n) for n in range(document.metadata.num_row_groups))
        limits.check_decoded(sum(group.total_byte_size for group in groups))
        row = FIRST_ROW
        for batch in document.iter_batches(batch_size=_ROWS):
            table = pa.table([_text(column) for column in batch.columns], names=names)
            yield row, table
            row += table.num_rows
    except (pa.ArrowException, OSError) as error:
        raise FocusRefused(f"the file is broken Parquet: {error}") from error


def _text(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _text(column.dictionary_decode())
    if pa.types.is_map(kind) or pa.types.is_struct(kind) or pa.types.is_list(kind):
        return pa.array([_json(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return pc.cast(pc.cast(column, pa.timestamp("us")), pa.string())
    if pa.types.is_timestamp(kind):
        return pc.strftime(pc.cast(column, pa.timestamp("us", tz="UTC")), format="%Y-%m-%dT%H:%M:%SZ")
    text = pc.cast(column, pa.string())
    return pc.if_else(pc.equal(text, ""), None, text) if pa.types.is_string(kind) else text


def _json(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(pair, tuple) for pair in value):
        value = dict(value)  # a map column
    return orjson.dumps(value, default=str).decode()
