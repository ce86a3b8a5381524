"""Vectors over a grid of times."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from telemetry.model.labels import Labels
from telemetry.model.labelsets import number_groups

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Vector:
    """N series as rows, T times as columns."""

    labels: Sequence[Labels]
    """By name; unlike in Prometheus a label may be there and empty."""
    values: Floats
    """float64[N, T]; anything where absent."""
    present: Mask
    """bool[N, T]"""
    ordered: bool = False
    """Whether the order of rows is a result (sort) rather than an accident."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Indices) -> "Vector":
        """These rows, in this order."""
        labels = [self.labels[row] for row in rows.tolist()]
        return replace(self, labels=labels, values=self.values[rows], present=self.present[rows])

    def compact(self) -> "Vector":
        """Without rows that have no sample at all."""
        filled = self.present.any(axis=1)
        return self if filled.all() else self.take(np.flatnonzero(filled))


def joined(labels: Iterable[Labels], values: Floats, present: Mask) -> Vector:
    """Vector whose rows of equal labels are one row; of two samples at one time the later row wins."""
    groups, distinct = number_groups(labels)
    if len(distinct) == len(groups):
        return Vector(distinct, values, present)
    merged = np.zeros((len(distinct), values.shape[1]))
    mask = np.zeros(merged.shape, dtype=np.bool_)
    for row, group in enumerate(groups.tolist()):
        merged[group] = np.where(present[row], values[row], merged[group])
        mask[group] |= present[row]
    return Vector(distinct, merged, mask)


def relabelled(vector: Vector, change: Callable[[Labels], Labels]) -> Vector:
    """The vector with other labels."""
    return joined([change(labels) for labels in vector.labels], vector.values, vector.present)
