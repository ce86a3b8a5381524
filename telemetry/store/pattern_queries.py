"""What the store answers about patterns and errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LogPattern:
    """One template of one service."""

    service: str
    """Under which its lines were written."""
    ids: tuple[int, ...]
    """Of the templates that became this one; the first is the oldest and names the pattern."""
    field: str
    """JSON field that the template is of, "" for the whole line."""
    template: str
    sample: str
    first_ms: int
    last_ms: int

    @property
    def name(self) -> str:
        """16 hex digits."""
        return f"{self.ids[0]:016x}"


@dataclass(frozen=True, slots=True)
class PatternSeries:
    """Records of a pattern per step."""

    pattern: LogPattern
    times_ms: NDArray[np.int64]
    """int64[T]: start of each step."""
    counts: NDArray[np.int64]
    """int64[T]"""

    @property
    def total(self) -> int:
        return int(self.counts.sum())


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """One error in one service."""

    fingerprint: int
    service: str
    type: str
    title: str
    culprit: str
    frames: tuple[str, ...]
    sample: str
    first_ms: int
    last_ms: int
