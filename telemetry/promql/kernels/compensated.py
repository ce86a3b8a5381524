"""Sums that carry their rounding error along (Neumaier), step by step as Prometheus takes them."""

import numpy as np
from numpy.typing import NDArray

from telemetry.promql.values import Floats


def add(increment: Floats, total: Floats, error: Floats) -> None:
    """Add to `total` and to its rounding `error`, both in place; an infinite total has no error."""
    reached = total + increment
    virtual = reached - total
    error += (total - (reached - virtual)) + (increment - virtual)  # what rounding took, exactly, whichever is larger
    infinite = np.isinf(reached)
    if infinite.any():
        error[infinite] = 0.0
    total[...] = reached


Where = slice | NDArray[np.int64]
"""Some of the columns of a state."""


class Sum:
    """Running sums of W columns."""

    def __init__(self, size: int, start: float = 0.0) -> None:
        self.total = np.full(size, start)
        self.error = np.zeros(size)

    def add(self, value: Floats, where: Where) -> None:
        """Take one more value into each of the columns `where`."""
        total, error = self.total[where], self.error[where]
        add(value, total, error)
        self.total[where], self.error[where] = total, error

    def result(self) -> Floats:
        return np.where(np.isinf(self.total), self.total, self.total + self.error)


class Mean:
    """Running means of W columns: of sums while those are finite, incremental from where a sum would overflow."""

    def __init__(self, size: int) -> None:
        self.total, self.error, self.count = np.zeros(size), np.zeros(size), np.zeros(size)
        self.incremental = np.zeros(size, dtype=np.bool_)

    def add(self, value: Floats, where: Where) -> None:
        """Take one more value into each of the columns `where`."""
        self.count[where] += 1.0
        total, error, count = self.total[where].copy(), self.error[where].copy(), self.count[where]
        incremental = self.incremental[where].copy()
        reached, lost = total.copy(), error.copy()
        add(value, reached, lost)
        overflows = np.isinf(reached) & ~incremental & (count > 1)
        total[overflows] /= count[overflows] - 1.0
        error[overflows] /= count[overflows] - 1.0
        incremental |= overflows
        share = (count - 1.0) / count
        mean, rest = share * total, share * error
        add(value / count, mean, rest)
        self.total[where] = np.where(incremental, mean, reached)
        self.error[where] = np.where(incremental, rest, lost)
        self.incremental[where] = incremental

    def result(self) -> Floats:
        count = np.maximum(self.count, 1.0)
        return np.where(self.incremental, self.total + self.error, self.total / count + self.error / count)
