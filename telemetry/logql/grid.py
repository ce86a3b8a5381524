"""Evaluation times in nanoseconds: start, start + step, ... up to and including end; not aligned to the step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.model.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Grid:
    start_ns: int
    end_ns: int
    step_ns: int
    """0 for the one time of an instant query."""

    def __post_init__(self) -> None:
        if self.end_ns < self.start_ns:
            raise InvalidInput("end timestamp must not be before or equal to start time")
        if self.step_ns < 0 or (self.step_ns == 0 and self.start_ns != self.end_ns):
            raise InvalidInput("zero or negative query resolution step widths are not accepted. Try a positive integer")

    @property
    def is_instant(self) -> bool:
        return self.step_ns == 0

    def __len__(self) -> int:
        return 1 if self.is_instant else (self.end_ns - self.start_ns) // self.step_ns + 1

    def times_ns(self) -> NDArray[np.int64]:
        """int64[len(self)], ascending."""
        return self.start_ns + self.step_ns * np.arange(len(self), dtype=np.int64)
