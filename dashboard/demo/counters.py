"""Counters that go on from chunk to chunk and start anew where a process did."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.demo.carry import Carry
from dashboard.demo.noise import Floats


@dataclass(slots=True)
class Counters:
    """N counters. Their value is what was counted in all, less what had been counted at the last restart."""

    total: Floats
    """float64[N]"""
    base: Floats
    """float64[N]"""

    @classmethod
    def zeros(cls, count: int) -> "Counters":
        return cls(np.zeros(count), np.zeros(count))

    def carry(self) -> Carry:
        return {"total": self.total.tolist(), "base": self.base.tolist()}

    def resume(self, carry: Carry) -> None:
        self.total, self.base = np.array(carry["total"], float), np.array(carry["base"], float)

    def advance(self, increments: Floats, restarts: NDArray[np.bool_]) -> Floats:
        """Values float64[N, T] after each of `increments[N, T]` (not negative).

        A counter restarts where `restarts[N, T]`, before the increment of that tick.
        """
        total = self.total[:, None] + np.cumsum(increments, axis=1)
        at_restart = np.where(restarts, total - increments, self.base[:, None])
        base = np.maximum.accumulate(np.maximum(at_restart, self.base[:, None]), axis=1)
        self.total, self.base = total[:, -1].copy(), base[:, -1].copy()
        values: Floats = total - base
        return values
