"""Samples of some minutes in memory: pages of 16 samples a series, chained backwards in time.

12 bytes a sample. Series that have had the same timestamps so far have the same `stamp`, so that a query looks at the
times of each scrape once and not once a series.
"""

import secrets
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from telemetry.model.samples import is_stale

PAGE: Final = 16
_FACTOR: Final = np.uint64(secrets.randbits(64) | 1)
"""Differs from process to process, so that nobody can choose timestamps whose stamps are equal."""
_FOLD: Final = np.uint64(29)

Indices = NDArray[np.int64]
S = TypeVar("S", bound=np.generic)


class RecentBlock:
    """Samples with start_ms <= t < start_ms + length, by series number. Not for several threads at once."""

    def __init__(self, start_ms: int) -> None:
        self.start_ms = start_ms
        self._values: NDArray[np.float64] = np.empty((1024, PAGE))
        self._after_ms: NDArray[np.int32] = np.empty((1024, PAGE), np.int32)
        """Milliseconds after start_ms."""
        self._before: NDArray[np.int32] = np.empty(1024, np.int32)
        """Page before each page, -1 for none."""
        self._pages = 0
        self.counts: NDArray[np.int32] = np.zeros(0, np.int32)
        """int32[series]: samples of each, repeated timestamps counted."""
        self._newest_page: NDArray[np.int32] = np.zeros(0, np.int32)
        self._newest_ms: NDArray[np.int32] = np.zeros(0, np.int32)
        self.stamps: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self.disordered: NDArray[np.bool_] = np.zeros(0, np.bool_)
        """bool[series]: whether a sample came that is not newer than all before it."""
        self.stale: NDArray[np.bool_] = np.zeros(0, np.bool_)
        """bool[series]: whether staleness markers are among the samples."""

    @property
    def nbytes(self) -> int:
        """Bytes that hold something."""
        return self._pages * (PAGE * 12 + 4) + len(self.counts) * 22

    def add(self, numbers: Indices, after_ms: Indices, values: NDArray[np.float64]) -> None:
        """Take samples in the order of their arrival."""
        if not len(numbers):
            return
        self._know(int(numbers.max()) + 1)
        for turn in _turns(numbers, len(self.counts)):
            self._add_once_each(numbers[turn], after_ms[turn].astype(np.int32), values[turn])

    def _add_once_each(self, numbers: Indices, after_ms: NDArray[np.int32], values: NDArray[np.float64]) -> None:
        place = self.counts[numbers] & (PAGE - 1)
        opening = numbers[place == 0]
        if len(opening):
            self._open_pages(opening)
        page = self._newest_page[numbers]
        self._values[page, place] = values
        self._after_ms[page, place] = after_ms
        self.counts[numbers] += 1
        newest = self._newest_ms[numbers]
        late = after_ms <= newest
        if late.any():
            self.disordered[numbers[late]] = True
            after_ms = np.maximum(after_ms, newest)
        self._newest_ms[numbers] = after_ms
        stamp = (self.stamps[numbers] ^ after_ms.astype(np.uint64)) * _FACTOR
        self.stamps[numbers] = stamp ^ (stamp >> _FOLD)
        stale = is_stale(values)
        if stale.any():
            self.stale[numbers[stale]] = True

    def _open_pages(self, numbers: Indices) -> None:
        first, end = self._pages, self._pages + len(numbers)
        if end > len(self._values):
            rows = max(end, len(self._values) * 3 // 2)
            self._values = _longer(self._values, rows)
            self._after_ms = _longer(self._after_ms, rows)
            self._before = _longer(self._before, rows)
        self._before[first:end] = self._newest_page[numbers]
        self._newest_page[numbers] = np.arange(first, end, dtype=np.int32)
        self._pages = end

    def _know(self, series: int) -> None:
        have = len(self.counts)
        if series <= have:
            return
        rows = max(series, have * 5 // 4)
        self.counts = _longer(self.counts, rows, 0)
        self._newest_page = _longer(self._newest_page, rows, -1)
        self._newest_ms = _longer(self._newest_ms, rows, -1)
        self.stamps = _longer(self.stamps, rows, 0)
        self.disordered = _longer(self.disordered, rows, 0)
        self.stale = _longer(self.stale, rows, 0)

    def pages(self, numbers: Indices, most: int) -> NDArray[np.int32]:
        """int32[N, pages for `most` samples]: pages of each series, oldest first; what it lacks is any other page."""
        levels = -(-most // PAGE)
        have = -(-self.counts[numbers] // PAGE)
        found = np.empty((len(numbers), levels), np.int32)
        page = self._newest_page[numbers]
        whole = bool((have == levels).all())
        for level in range(levels - 1, -1, -1):
            if whole:
                found[:, level] = page
                if level:
                    page = self._before[page]
                continue
            inside = have > level
            found[:, level] = page
            page = np.where(inside, self._before[page], page)
        return found if whole else np.maximum(found, 0)

    def values_of(self, numbers: Indices, most: int) -> NDArray[np.float64]:
        """float64[N, >= most]: samples of series in order of arrival; anything after the last one."""
        pages = self.pages(numbers, most)
        return self._values[pages].reshape(len(numbers), pages.shape[1] * PAGE)

    def times_of(self, numbers: Indices, most: int) -> Indices:
        """int64[N, >= most]: timestamps in ms of the same samples."""
        pages = self.pages(numbers, most)
        found: Indices = self._after_ms[pages].reshape(len(numbers), pages.shape[1] * PAGE) + np.int64(self.start_ms)
        return found


def _turns(numbers: Indices, series: int) -> "list[slice] | list[Indices]":
    """Positions of first samples of all series, then of second ones, and so on."""
    positions = np.arange(len(numbers))
    marks = np.empty(series, np.int64)
    marks[numbers] = positions
    if (marks[numbers] == positions).all():
        return [slice(None)]
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    rank = positions - np.repeat(starts, np.diff(np.append(starts, len(numbers))))
    by_rank = np.argsort(rank, kind="stable")
    return np.split(order[by_rank], np.cumsum(np.bincount(rank))[:-1])


def _longer(column: "NDArray[S]", rows: int, fill: int | None = None) -> "NDArray[S]":
    larger = np.empty((rows, *column.shape[1:]), column.dtype)
    larger[: len(column)] = column
    if fill is not None:
        larger[len(column) :] = fill
    return larger
