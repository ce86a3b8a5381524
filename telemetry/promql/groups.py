"""Rows of a vector sorted into groups, as aggregations take them."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from telemetry.model.labels import Labels
from telemetry.model.labelsets import group_labels
from telemetry.promql.ast import Aggregate
from telemetry.promql.values import Floats, Indices, Mask, Vector

_MANY_ROWS: Final = 16
"""Rows a group from which on each group is counted for itself."""


class Groups:
    """The rows of `operand` by group: groups in order of first appearance, rows in their own order."""

    def __init__(self, operand: Vector, index: Indices, labels: Sequence[Labels]) -> None:
        self.operand = operand
        self.index = index
        """int64[N]: group of each row."""
        self.labels = labels
        """G label sets."""
        self.order: Indices = np.argsort(index, kind="stable")
        """int64[N]: rows, those of a group next to each other."""
        self.sizes: Indices = np.bincount(index, minlength=len(labels))
        self.starts: Indices = np.cumsum(self.sizes) - self.sizes
        """int64[G]: where each group begins in `order`."""
        self._counts: Indices | None = None

    @classmethod
    def of(cls, node: Aggregate, operand: Vector) -> "Groups":
        return cls(operand, *group_labels(operand.labels, node.grouping, without=node.without))

    @property
    def shape(self) -> tuple[int, int]:
        """(groups, times)"""
        return len(self.labels), self.operand.present.shape[1]

    def counts(self) -> Indices:
        """int64[G, T]: samples in each group at each time."""
        if self._counts is None:
            self._counts = self._counted()
        return self._counts

    def _counted(self) -> Indices:
        if not len(self.labels):
            return np.zeros(self.shape, dtype=np.int64)
        present = self.operand.present[self.order]
        if _MANY_ROWS * len(self.labels) > len(present):
            return np.add.reduceat(present, self.starts, axis=0, dtype=np.int64)
        pairs = zip(self.starts.tolist(), self.sizes.tolist(), strict=True)
        return np.array([present[start : start + size].sum(axis=0, dtype=np.int64) for start, size in pairs])

    def sorted_values(self, absent: float) -> Floats:
        """float64[N, T]: values in the order of `order`, `absent` where there is none."""
        return np.where(self.operand.present[self.order], self.operand.values[self.order], absent)

    def rounds(self) -> Iterator[tuple[Indices, Indices]]:
        """First rows of all groups, then second ones, and so on: (groups that have one, their rows)."""
        for turn in range(int(self.sizes.max(initial=0))):
            groups = np.flatnonzero(self.sizes > turn)
            yield groups, self.order[self.starts[groups] + turn]

    def samples(self) -> Iterator[tuple[Indices, Floats]]:
        """As `rounds`, sample by sample: (columns of a [G x T] state, values to take into them)."""
        times = self.shape[1]
        for groups, rows in self.rounds():
            present = self.operand.present[rows]
            columns = (groups[:, None] * times + np.arange(times))[present]
            yield columns, self.operand.values[rows][present]

    def vector(self, values: Floats, present: Mask) -> Vector:
        """Result with one row a group."""
        unnamed = np.zeros(len(self.labels), dtype=np.bool_)
        unnamed[self.index] = self.operand.unnamed
        return Vector(self.labels, values, present, unnamed)
