"""Label pairs of each series, and the series of each pair, as flat columns."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.coded_labels import Codes

_LEAST_TAIL: Final = 4096
_TAIL_SHARE: Final = 16
"""Series that came after the last sorting are scanned until they are one of so many."""


class Postings:
    """Grows at its end. Not safe to use from several threads at once."""

    def __init__(self) -> None:
        self._codes: Codes = np.empty((0, 0), np.int32)
        self._size = 0
        self._sorted = 0
        self._series: NDArray[np.int32] = np.empty(0, np.int32)
        """Series of pair p, of the first `_sorted` series: _series[_starts[p]:_starts[p + 1]], ascending."""
        self._starts: NDArray[np.int64] = np.zeros(1, np.int64)

    def __len__(self) -> int:
        return self._size

    def append(self, codes: Codes) -> None:
        """Take the next series in: int32[N, K] pair codes, -1 where there is none."""
        self._make_room(self._size + len(codes), codes.shape[1])
        self._codes[self._size : self._size + len(codes), : codes.shape[1]] = codes
        self._codes[self._size : self._size + len(codes), codes.shape[1] :] = -1
        self._size += len(codes)

    def codes(self, numbers: NDArray[np.int64]) -> Codes:
        """int32[N, K]: pairs of these series, without columns that are -1 throughout."""
        found: Codes = self._codes[numbers]
        used = int((found >= 0).sum(axis=1).max(initial=0))
        return found[:, :used]

    def size(self, pairs: NDArray[np.int64]) -> int:
        """About how many series have one of these pairs."""
        self._sort_if_long()
        inside = pairs[pairs < len(self._starts) - 1]
        return int((self._starts[inside + 1] - self._starts[inside]).sum())

    def series_with(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Series that have one of these pairs, which are of one name; ascending."""
        self._sort_if_long()
        inside = pairs[pairs < len(self._starts) - 1]
        parts = [self._series[self._starts[pair] : self._starts[pair + 1]] for pair in inside.tolist()]
        found = np.concatenate([np.empty(0, np.int32), *parts]).astype(np.int64)
        if len(parts) > 1:
            found.sort()
        tail = self._codes[self._sorted : self._size]
        late = np.flatnonzero(np.isin(tail, pairs).any(axis=1)) + self._sorted
        return np.concatenate([found, late])

    def _make_room(self, rows: int, width: int) -> None:
        have_rows, have_width = self._codes.shape
        if rows <= have_rows and width <= have_width:
            return
        larger = np.full((max(rows, have_rows * 3 // 2, 1024), max(width, have_width)), -1, np.int32)
        larger[:have_rows, :have_width] = self._codes
        self._codes = larger

    def _sort_if_long(self) -> None:
        if self._size - self._sorted <= max(_LEAST_TAIL, self._sorted // _TAIL_SHARE):
            return
        flat = self._codes[: self._size].reshape(-1)
        places = np.flatnonzero(flat >= 0)
        order = np.argsort(flat[places], kind="stable")
        self._series = (places[order] // self._codes.shape[1]).astype(np.int32)
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(flat[places]))])
        self._sorted = self._size
