"""Samples of many series as rows of one matrix, their timestamps once for all series that were scraped together."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from telemetry.model.samples import RawColumns, is_stale

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
S = TypeVar("S", bound=np.generic)


@dataclass(frozen=True, slots=True)
class SampleMatrix:
    """N series with samples in the columns first .. end - 1 of their rows, ascending in time, one a timestamp."""

    values: Floats
    """float64[N, C]; anything outside of first .. end - 1."""
    timelines: Indices
    """int64[N]: timeline of each row."""
    times_ms: Indices
    """int64[G, C]: timestamps of each timeline."""
    first: Indices
    """int64[G]: column of the first sample."""
    end: Indices
    """int64[G]: column after the last sample."""

    @property
    def counts(self) -> Indices:
        """int64[N]: samples of each row."""
        return (self.end - self.first)[self.timelines]

    def inside(self) -> Mask:
        """bool[G, C]: where samples are."""
        columns = np.arange(self.times_ms.shape[1])
        return (columns >= self.first[:, None]) & (columns < self.end[:, None])

    def take(self, rows: Indices) -> "SampleMatrix":
        """Some of the rows, with all timelines."""
        return SampleMatrix(self.values[rows], self.timelines[rows], self.times_ms, self.first, self.end)

    def replaced(self, rows: Indices, values: Floats, times_ms: Indices, counts: Indices) -> "SampleMatrix":
        """Other samples for some rows, each with a timeline of its own: [rows, C] matrices filled from the left."""
        timelines, whole = self.timelines.copy(), self.values.copy()
        timelines[rows] = len(self.first) + np.arange(len(rows))
        whole[rows] = values
        return SampleMatrix(
            whole,
            timelines,
            np.concatenate([self.times_ms, times_ms]),
            np.concatenate([self.first, np.zeros(len(rows), np.int64)]),
            np.concatenate([self.end, counts]),
        )

    def without_stale(self) -> "SampleMatrix":
        """Without staleness markers."""
        stale = is_stale(self.values)
        if not stale.any():
            return self
        stale &= self.inside()[self.timelines]
        rows = np.flatnonzero(stale.any(axis=1))
        kept = self.inside()[self.timelines[rows]] & ~stale[rows]
        values, counts = to_the_left(self.values[rows], kept)
        times, _ = to_the_left(self.times_ms[self.timelines[rows]], kept)
        return self.replaced(rows, values, times, counts)


def to_the_left(table: "NDArray[S]", kept: Mask) -> "tuple[NDArray[S], Indices]":
    """(the kept cells of each row without gaps from column 0 on, how many there are)"""
    counts = kept.sum(axis=1)
    found = np.zeros_like(table)
    found[np.arange(table.shape[1]) < counts[:, None]] = table[kept]
    return found, counts


class MatrixColumns(RawColumns):
    """A matrix that can be read as columns; those are made when they are asked for."""

    __slots__ = ("__dict__", "matrix")

    def __init__(self, matrix: SampleMatrix) -> None:
        object.__setattr__(self, "matrix", matrix)

    matrix: SampleMatrix

    @cached_property
    def _inside(self) -> Mask:
        return self.matrix.inside()[self.matrix.timelines]

    @cached_property
    def offsets(self) -> Indices:
        return np.concatenate([[0], np.cumsum(self.matrix.counts)])

    @cached_property
    def timestamps_ms(self) -> Indices:
        return self.matrix.times_ms[self.matrix.timelines][self._inside]

    @cached_property
    def values(self) -> Floats:
        return self.matrix.values[self._inside]

    def __len__(self) -> int:
        return int(self.matrix.counts.sum())
