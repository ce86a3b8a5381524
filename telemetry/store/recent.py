"""The newest samples in memory, beside the store: what dashboards ask for most.

Whole blocks of time, bounded in bytes; the oldest go first. From `covered_from_ms` on it holds every sample that the
store holds, so that it answers exactly what the store would; before that it holds nothing that is used.
"""

import threading
from typing import Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter, Gauge

from telemetry.model.sample_matrix import SampleMatrix
from telemetry.model.time import TimeRange
from telemetry.store.recent_block import RecentBlock
from telemetry.store.recent_read import fits, read_matrix

BLOCK_MS: Final = 15 * 60_000
_EVER: Final = -(1 << 62)
_NEVER: Final = 1 << 62

BYTES: Final = Gauge("belvedere_store_recent_bytes", "Memory that the recent samples take.")
SPAN_SECONDS: Final = Gauge("belvedere_store_recent_span_seconds", "Time that the blocks in memory span.")
READS: Final = Counter("belvedere_store_recent_reads", "Reads of samples, by where they came from.", ["source"])

Indices = NDArray[np.int64]


class RecentSamples:
    """Safe to use from any thread. Samples are named by the numbers of the label index."""

    def __init__(self, most_bytes: int, covered_from_ms: int = _EVER) -> None:
        """Everything at or after `covered_from_ms` will be added."""
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._blocks: dict[int, RecentBlock] = {}
        self._covered_from_ms = covered_from_ms if most_bytes else _NEVER

    @property
    def covered_from_ms(self) -> int:
        """Every stored sample of this time and later is here."""
        return self._covered_from_ms

    def covers(self, time_range: TimeRange) -> bool:
        return time_range.start_ms >= self._covered_from_ms

    def add(self, numbers: Indices, timestamps_ms: Indices, values: NDArray[np.float64]) -> None:
        """Take committed samples in the order of their arrival."""
        if not self._most_bytes:
            return
        with self._lock:
            block_of = timestamps_ms // BLOCK_MS
            for block in np.unique(block_of).tolist():
                chosen = slice(None) if block_of[0] == block and (block_of == block).all() else block_of == block
                self._add(block, numbers[chosen], timestamps_ms[chosen], values[chosen])
            self._shrink()

    def read(self, numbers: Indices, time_range: TimeRange, most: int) -> SampleMatrix | None:
        """Samples with start_ms <= t <= end_ms, one row a number; None if they are not all here or more than `most`."""
        with self._lock:
            if not self.covers(time_range):
                return None
            first, last = time_range.start_ms // BLOCK_MS, time_range.end_ms // BLOCK_MS
            blocks = [self._blocks[at] for at in sorted(self._blocks) if first <= at <= last]
            return read_matrix(blocks, numbers, time_range) if fits(blocks, numbers, most) else None

    def put(self, start_ms: int, numbers: Indices, timestamps_ms: Indices, values: NDArray[np.float64]) -> None:
        """Everything of the block that begins at `start_ms`, the one before the covered time."""
        with self._lock:
            block = RecentBlock(start_ms)
            block.add(numbers, timestamps_ms - start_ms, values)
            self._blocks[start_ms // BLOCK_MS] = block
            self._covered_from_ms = start_ms
            self._shrink()

    def cover_everything(self) -> None:
        """There are no samples before the covered time."""
        self._covered_from_ms = _EVER

    @property
    def is_full(self) -> bool:
        """Whether there is no room for an older block."""
        sizes = [block.nbytes for block in list(self._blocks.values())]
        return not self._most_bytes or sum(sizes) + max(sizes, default=0) > self._most_bytes

    def _add(self, block: int, numbers: Indices, timestamps_ms: Indices, values: NDArray[np.float64]) -> None:
        start = block * BLOCK_MS
        if start + BLOCK_MS <= self._covered_from_ms:
            return
        found = self._blocks.get(block)
        if found is None:
            found = self._blocks[block] = RecentBlock(start)
        found.add(numbers, timestamps_ms - start, values)

    def _shrink(self) -> None:
        used = sum(block.nbytes for block in self._blocks.values())
        while used > self._most_bytes:
            oldest = min(self._blocks)
            used -= self._blocks.pop(oldest).nbytes
            self._covered_from_ms = max(self._covered_from_ms, (oldest + 1) * BLOCK_MS)
        self._report(used)

    def _report(self, used: int = 0) -> None:
        BYTES.set(used)
        span = (max(self._blocks) + 1 - min(self._blocks)) * BLOCK_MS if self._blocks else 0
        SPAN_SECONDS.set(span / 1000)
