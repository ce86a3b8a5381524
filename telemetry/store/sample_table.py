"""The table `samples`: how samples become rows of it.

A value is kept in one of two columns. Whole numbers, nine of ten in practice, are integers in `whole`: differences of
differences of integers are small, and transposed bits of small numbers pack best. Everything else (fractions, -0.0,
infinities, NaN with their payload, among them staleness markers) keeps its 64 bits in `bits`, which is 0 otherwise.
`value` is the column to read: the engine puts it together.
"""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.store.columns import Vocabulary
from telemetry.store.engine import Engine, Settings

INSERT_SETTINGS: Final[Settings] = {
    "async_insert": 0,
    "max_partitions_per_insert_block": 0,
    "max_execution_time": 0,
}
"""An insert is a commit: never left to a background queue, however many months it spans."""

_EXACT: Final = float(2**53)
"""Up to here every whole number is a float and the other way round."""


def insert_samples(
    engine: Engine,
    metric_names: Vocabulary,
    metric_codes: NDArray[np.int32],
    ids: NDArray[np.uint64],
    timestamps_ms: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    """Insert rows as one block a month; returns after the engine committed them. Raises StoreUnavailable."""
    whole, bits = split_values(values)
    columns = {
        "metric": metric_names.dictionary_array(metric_codes),
        "series": pa.array(ids),
        "timestamp": pa.array(timestamps_ms, pa.timestamp("ms", "UTC")),
        "whole": pa.array(whole),
        "bits": pa.array(bits),
    }
    engine.insert("samples", pa.table(columns), INSERT_SETTINGS)


def split_values(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(whole, bits) of each value: whole numbers up to 2^53 and 0, or 0 and the value's own bits."""
    bits = values.view(np.int64)
    with np.errstate(invalid="ignore"):  # a signalling NaN, such as the staleness marker, is no error here
        is_whole = (np.abs(values) <= _EXACT) & (np.rint(values) == values)
        is_whole &= (values != 0) | (bits == 0)  # -0.0 is no integer
    return np.where(is_whole, values, 0.0).astype(np.int64), np.where(is_whole, 0, bits)
