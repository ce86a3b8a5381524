"""Groups of samples into one block in the order of the table, and the block into the engine."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from telemetry.model.errors import StoreUnavailable
from telemetry.model.time import TimeRange
from telemetry.store.catalogue import Catalogue
from telemetry.store.columns import Vocabulary
from telemetry.store.engine import Engine
from telemetry.store.journal import JournalRecord, left_behind
from telemetry.store.sample_buffer import BufferedSamples
from telemetry.store.sample_table import insert_samples

logger = logging.getLogger(__name__)

_METRICS_OF: Final = (
    "SELECT id, any(metric) AS metric FROM series WHERE id IN {ids:Array(UInt64)} GROUP BY id ORDER BY id"
)
_IDS_AT_ONCE: Final = 50_000


class SampleSink(Protocol):
    """Where the committing thread puts samples."""

    def add(self, ids: NDArray[np.uint64], samples: BufferedSamples) -> None:
        """Returns when nothing can take the samples away any more. Raises StoreUnavailable."""
        ...

    def settle(self, time_range: TimeRange | None = None) -> None:
        """Returns when everything added before (in `time_range`) can be read."""
        ...

    def close(self) -> None: ...


class BlockInserter:
    """Inserts samples of the catalogue's series, sorted as the table is."""

    def __init__(self, engine: Engine, catalogue: Catalogue) -> None:
        self._engine = engine
        self._catalogue = catalogue

    def insert(self, groups: Sequence[BufferedSamples]) -> None:
        """One insert for all groups; of equal (series, timestamp) the later stays the later."""
        numbers = np.concatenate([group.numbers for group in groups])
        order = self._order(numbers)
        numbers = numbers[order]
        insert_samples(
            self._engine,
            self._catalogue.metric_names,
            self._catalogue.metrics.view[numbers],
            self._catalogue.ids.view[numbers],
            np.concatenate([group.timestamps_ms for group in groups])[order],
            np.concatenate([group.values for group in groups])[order],
        )

    def _order(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions by (metric, id), stable; sorting numbers that hold rank and position is several times faster."""
        bits = max(1, len(numbers).bit_length())
        keys = (self._ranks(numbers)[numbers] << bits) | np.arange(len(numbers))
        keys.sort()
        positions: NDArray[np.int64] = keys & ((1 << bits) - 1)
        return positions

    def _ranks(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rank by (metric name, id) of each series that occurs, by its number."""
        occurs = np.zeros(len(self._catalogue), bool)
        occurs[numbers] = True
        present = np.flatnonzero(occurs)
        names = _alphabetical(self._catalogue.metric_names)[self._catalogue.metrics.view[present]]
        ranks = np.zeros(len(occurs), np.int64)
        ranks[present[np.lexsort((self._catalogue.ids.view[present], names))]] = np.arange(len(present))
        return ranks


class DirectInserts:
    """Every group is an insert of its own: for an engine that other processes read and write as well."""

    def __init__(self, inserter: BlockInserter) -> None:
        self._inserter = inserter

    def add(self, ids: NDArray[np.uint64], samples: BufferedSamples) -> None:
        self._inserter.insert([samples])

    def settle(self, time_range: TimeRange | None = None) -> None:
        """What was added is in the engine."""

    def close(self) -> None:
        """Nothing waits."""


def replay(engine: Engine, directory: Path) -> int:
    """Insert what killed processes left in their journals; the number of samples. Raises StoreUnavailable."""
    replayed = 0
    for segment, records in left_behind(directory):
        replayed += sum(len(record.ids) for record in records)
        if records:
            _insert_records(engine, records)
        segment.discard()
    if replayed:
        logger.warning("%d acknowledged samples that a killed process left in its journal were inserted", replayed)
    return replayed


def _insert_records(engine: Engine, records: Sequence[JournalRecord]) -> None:
    ids = np.concatenate([record.ids for record in records])
    present, series = np.unique(ids, return_inverse=True)
    codes, vocabulary = _metrics_of(engine, present)
    metrics = codes[series]
    order = np.lexsort((series, _alphabetical(vocabulary)[metrics]))
    insert_samples(
        engine,
        vocabulary,
        metrics[order],
        ids[order],
        np.concatenate([record.timestamps_ms for record in records])[order],
        np.concatenate([record.values for record in records])[order],
    )


def _metrics_of(engine: Engine, ids: NDArray[np.uint64]) -> tuple[NDArray[np.int32], Vocabulary]:
    """Codes of the metric names of `ids` (ascending), from the table of series, which is written before samples are."""
    vocabulary = Vocabulary()
    codes = np.full(len(ids), -1, np.int32)
    for start in range(0, len(ids), _IDS_AT_ONCE):
        wanted = ids[start : start + _IDS_AT_ONCE]
        found = engine.arrow(_METRICS_OF, {"ids": wanted.tolist()})
        at = start + np.searchsorted(wanted, found["id"].to_numpy())
        codes[at] = [vocabulary.code(name) for name in found["metric"].to_pylist()]
    if (codes < 0).any():
        missing = int(ids[int(np.argmin(codes))])
        raise StoreUnavailable(
            f"the journal holds samples of series {missing}, which the table of series does not know"
        )
    return codes, vocabulary


def _alphabetical(vocabulary: Vocabulary) -> NDArray[np.int64]:
    """Rank of each name among all, by its UTF-8 bytes as the engine compares them."""
    names = [name.encode() for name in vocabulary.names]
    ranks = np.zeros(len(names), np.int64)
    ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return ranks
