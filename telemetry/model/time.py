"""Time as telemetry counts it: whole milliseconds (samples) and nanoseconds (log records) since 1970 UTC."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.model.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class TimeRange:
    """start_ms <= t <= end_ms, both ends included."""

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if self.end_ms < self.start_ms:
            raise InvalidInput(f"end {self.end_ms} ms is before start {self.start_ms} ms")


@dataclass(frozen=True, slots=True)
class TimeGrid:
    """Evaluation times of a range query: start, start + step, ... up to and including end.

    An instant query is the grid of one point (start = end, any positive step).
    """

    start_ms: int
    end_ms: int
    step_ms: int

    def __post_init__(self) -> None:
        if self.step_ms <= 0:
            raise InvalidInput(f"step must be positive, not {self.step_ms} ms")
        if self.end_ms < self.start_ms:
            raise InvalidInput(f"end {self.end_ms} ms is before start {self.start_ms} ms")

    def __len__(self) -> int:
        return (self.end_ms - self.start_ms) // self.step_ms + 1

    def times_ms(self) -> NDArray[np.int64]:
        """int64[len(self)], ascending."""
        return self.start_ms + self.step_ms * np.arange(len(self), dtype=np.int64)
