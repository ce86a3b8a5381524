"""What evaluation passes around: instant vectors over a time grid, range vectors, scalars and strings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from telemetry.model.histograms import Cells, RawHistograms
from telemetry.model.labels import Labels
from telemetry.model.labelsets import any_equal, number_groups, take_labels, without_metadata
from telemetry.model.samples import RawColumns
from telemetry.promql.errors import EvaluationError

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

DUPLICATE = "vector cannot contain metrics with the same labelset"


@dataclass(frozen=True, slots=True)
class Vector:
    """An instant vector at each of T times: N series as rows. Equal label sets may stand in several rows
    only while no time has a sample in two of them."""

    labels: Sequence[Labels]
    values: Floats
    """float64[N, T]; anything where absent."""
    present: Mask
    """bool[N, T]"""
    unnamed: Mask
    """bool[N]: series whose name is to go at the end of the query (only with delayed name removal)."""
    ordered: bool = False
    """Whether the order of rows is a result (sort, topk) rather than an accident."""
    histograms: Cells | None = None
    """object[N, T]: the native histogram where the sample is one, else None; None as a whole if no sample is.
    Where `present` is False it means nothing."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Indices) -> "Vector":
        """These rows, in this order."""
        return replace(
            self,
            labels=take_labels(self.labels, rows),
            values=self.values[rows],
            present=self.present[rows],
            unnamed=self.unnamed[rows],
            histograms=None if self.histograms is None else self.histograms[rows],
        )

    @property
    def is_histogram(self) -> Mask:
        """bool[N, T]: which samples are native histograms."""
        if self.histograms is None:
            return np.zeros(self.present.shape, dtype=np.bool_)
        return self.present & holds_histogram(self.histograms)

    def floats(self) -> "Vector":
        """Without the samples that are native histograms, nor rows that have no others."""
        if self.histograms is None:
            return self
        return self.only(~self.is_histogram).compact()

    def only(self, chosen: Mask) -> "Vector":
        """The samples where `chosen`, all of them floats, in the same rows."""
        return replace(self, present=self.present & chosen, histograms=None)

    def compact(self) -> "Vector":
        """Without rows that have no sample at all."""
        filled = self.present.any(axis=1)
        return self if filled.all() else self.take(np.flatnonzero(filled))

    def renamed(self, *, delayed: bool) -> "Vector":
        """Without metric names: removed now, or marked for removal at the end if `delayed`."""
        if delayed:
            return replace(self, unnamed=np.ones(len(self), dtype=np.bool_))
        return replace(self, labels=without_metadata(self.labels))


@dataclass(frozen=True, slots=True)
class Scalar:
    values: Floats
    """float64[T]"""


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class RangeVector:
    """For each of N series its samples, and T windows (end - range_ms, end] to look at them through."""

    labels: Sequence[Labels]
    columns: RawColumns
    """Without staleness markers."""
    ends_ms: Indices
    """int64[T], ascending by a constant step, or all equal (a window fixed by @)."""
    range_ms: int
    unnamed: Mask
    """bool[N], as in Vector."""
    histograms: RawHistograms | None = None
    """Native histograms of the same N series, without staleness markers; None if there are none."""

    def __len__(self) -> int:
        return len(self.labels)


def holds_histogram(cells: Cells) -> Mask:
    """Which cells are not None."""
    held: Mask = cells != None  # noqa: E711 - cell by cell
    return held


def no_cells(shape: tuple[int, ...]) -> Cells:
    """Cells without any histogram."""
    return np.full(shape, None, dtype=object)


Value = Vector | RangeVector | Scalar | Text


def vector(labels: Sequence[Labels], values: Floats, present: Mask | None = None) -> Vector:
    """Vector without marks; present everywhere by default."""
    shown = np.ones(values.shape, dtype=np.bool_) if present is None else present
    return Vector(labels, values, shown, np.zeros(len(labels), dtype=np.bool_))


def empty_vector(times: int) -> Vector:
    return vector([], np.empty((0, times)))


def merge_rows(operand: Vector) -> Vector:
    """Rows of equal labels joined into one. Raises EvaluationError if two of them have a sample at one time."""
    if not any_equal(operand.labels):
        return operand
    groups, labels = number_groups(operand.labels)
    present = np.zeros((len(labels), operand.present.shape[1]), dtype=np.int64)
    np.add.at(present, groups, operand.present.astype(np.int64))
    if (present > 1).any():
        raise EvaluationError(DUPLICATE)
    rows, times = np.nonzero(operand.present)
    values = np.full(present.shape, np.nan)
    values[groups[rows], times] = operand.values[rows, times]
    cells = None
    if operand.histograms is not None:
        cells = no_cells(present.shape)
        cells[groups[rows], times] = operand.histograms[rows, times]
    unnamed = np.zeros(len(labels), dtype=np.bool_)
    unnamed[groups] = operand.unnamed
    merged = present.astype(np.bool_)
    return replace(operand, labels=labels, values=values, present=merged, unnamed=unnamed, histograms=cells)


def stacked(parts: Sequence[Vector]) -> Vector:
    """The rows of several vectors over the same times, one or more of them."""
    cells = None
    if any(part.histograms is not None for part in parts):
        cells = np.concatenate(
            [no_cells(part.present.shape) if part.histograms is None else part.histograms for part in parts]
        )
    return Vector(
        [labels for part in parts for labels in part.labels],
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.present for part in parts]),
        np.concatenate([part.unnamed for part in parts]),
        histograms=cells,
    )


def refuse_equal_rows(operand: Vector) -> Vector:
    """The vector itself. Raises EvaluationError if two rows have equal labels, even at different times."""
    if any_equal(operand.labels):
        raise EvaluationError(DUPLICATE)
    return operand


def repeat(operand: Vector, times: int) -> Vector:
    """A vector of one time shown at `times` times."""
    shape = (len(operand), times)
    return replace(
        operand,
        values=np.broadcast_to(operand.values, shape),
        present=np.broadcast_to(operand.present, shape),
        histograms=None if operand.histograms is None else np.broadcast_to(operand.histograms, shape),
    )
