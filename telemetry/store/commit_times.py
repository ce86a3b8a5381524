"""From which time on samples have come since a moment: by that old answers still hold or do not."""

import threading
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.store.commits import CommittedSamples, CommittedSeries

_FOREVER: Final = 1 << 62
_MOST_STEPS: Final = 4096


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the sequence of commits."""

    contents: int
    """Grows whenever rows were removed or moved."""
    commits: int


class CommitTimes:
    """Listens to commits. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contents = 0
        self._commits = 0
        self._numbers: list[int] = []
        """Commits since which nothing older came than the time at the same place of `_times`; both ascend."""
        self._times: list[int] = []

    def now(self) -> Moment:
        """The moment after everything that was told so far. Take it before reading, not after."""
        with self._lock:
            return Moment(self._contents, self._commits)

    def unchanged_before(self, since: Moment) -> int | None:
        """Nothing earlier than this time (ms) was committed since; None if contents changed, so that nothing holds."""
        with self._lock:
            if since.contents != self._contents:
                return None
            place = bisect_right(self._numbers, since.commits)
            return self._times[place] if place < len(self._times) else _FOREVER

    def series_committed(self, series: CommittedSeries) -> None:
        """A series without samples changes no answer."""

    def samples_committed(self, samples: CommittedSamples) -> None:
        self._note(samples.timestamps_ms)

    def histograms_committed(self, timestamps_ms: NDArray[np.int64]) -> None:
        self._note(timestamps_ms)

    def contents_changed(self) -> None:
        with self._lock:
            self._contents += 1
            self._numbers.clear()
            self._times.clear()

    def _note(self, timestamps_ms: NDArray[np.int64]) -> None:
        earliest = int(timestamps_ms.min())
        with self._lock:
            self._commits += 1
            while self._times and self._times[-1] >= earliest:
                self._times.pop()
                self._numbers.pop()
            self._times.append(earliest)
            self._numbers.append(self._commits)
            if len(self._times) > _MOST_STEPS:
                self._thin()

    def _thin(self) -> None:
        """Forget every other step; of two the earlier time and the later commit stay, which is on the safe side."""
        self._times = self._times[::2]
        self._numbers = [*self._numbers[1::2], *self._numbers[len(self._numbers) // 2 * 2 :]]
