"""What the store held when it was opened: ids, services and sightings of series, as sorted columns.

28 bytes a series, so a million series of former runs cost little; their labels stay in the engine.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.store.engine import Engine

_SQL: Final = {
    "series": "SELECT id, max(service) AS decided, min(first_seen) AS first, max(last_seen) AS last "
    "FROM series GROUP BY id ORDER BY id",
    "log_streams": "SELECT id, max(service) AS decided, min(first_seen) AS first, max(last_seen) AS last "
    "FROM log_streams GROUP BY id ORDER BY id",
}


@dataclass(frozen=True, slots=True)
class KnownRow:
    """What is stored of one id; times in ms."""

    service: str
    decided_ms: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows of one table as columns, ascending by id."""

    ids: NDArray[np.uint64]
    services: list[str]
    service_codes: NDArray[np.int32]
    decided_ms: NDArray[np.uint64]
    first_ms: NDArray[np.int64]
    last_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)

    def find(self, identity: int) -> KnownRow | None:
        """O(log n)."""
        at = int(np.searchsorted(self.ids, np.uint64(identity)))
        if at == len(self.ids) or int(self.ids[at]) != identity:
            return None
        return KnownRow(
            self.services[self.service_codes[at]],
            int(self.decided_ms[at]),
            int(self.first_ms[at]),
            int(self.last_ms[at]),
        )

    def count_by_service(self) -> dict[str, int]:
        counts = np.bincount(self.service_codes, minlength=len(self.services))
        return {service: int(count) for service, count in zip(self.services, counts, strict=True)}


def load_known(engine: Engine, table: str) -> KnownRows:
    """Read the table's ids; `table` is `series` or `log_streams`."""
    columns = engine.arrow(_SQL[table]).combine_chunks()
    decided, services = _decided(columns)
    return KnownRows(
        ids=columns["id"].to_numpy(),
        services=services.dictionary.to_pylist(),
        service_codes=services.indices.to_numpy(zero_copy_only=False).astype(np.int32),
        decided_ms=decided,
        first_ms=milliseconds(columns["first"]),
        last_ms=milliseconds(columns["last"]),
    )


def _decided(columns: pa.Table) -> tuple[NDArray[np.uint64], pa.DictionaryArray]:
    column = columns["decided"]
    flat = column.combine_chunks() if column.num_chunks else pa.array([], column.type)
    moments, names = flat.flatten()
    return moments.to_numpy(zero_copy_only=False), names.dictionary_encode()


def milliseconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """int64 ms since 1970 of a timestamp[ms] column."""
    found: NDArray[np.int64] = column.cast(pa.int64()).to_numpy()
    return found
