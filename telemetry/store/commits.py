"""What the sample writer tells others as soon as a group is committed, before its senders are answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from telemetry.model.labels import Labels


@dataclass(frozen=True, slots=True)
class CommittedSeries:
    """Series of a group that are new, or whose sightings were written again. M >= 1."""

    numbers: NDArray[np.int64]
    """int64[M]: dense numbers 0, 1, 2, ... that this process gave them; the same series may get another later."""
    ids: NDArray[np.uint64]
    """uint64[M]: ids in the store, for ever."""
    labels: Sequence[Labels]
    """M label sets, with the metric name among them."""
    services: Sequence[str]
    """M services."""
    first_ms: NDArray[np.int64]
    """int64[M]: first and last sample that the series table knows of."""
    last_ms: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CommittedSamples:
    """Samples of one committed group as columns of equal length, in the order of arrival. Arrays are not to be changed.

    Their series were told before, by this process or (after a restart) by a former one.
    """

    numbers: NDArray[np.int64]
    """int64[N]: dense numbers of the series."""
    ids: NDArray[np.uint64]
    """uint64[N]"""
    metric_codes: NDArray[np.int32]
    """int32[N]: position in `metric_names`."""
    metric_names: Sequence[str]
    """Grows from group to group; a code keeps its name."""
    timestamps_ms: NDArray[np.int64]
    """int64[N]: of any order and possibly repeated, late ones among them."""
    values: NDArray[np.float64]
    """float64[N], NaN bit for bit."""


class CommitListener(Protocol):
    """Called by the committing thread, one call after the other. What it raises fails the group: it must not raise.

    A reader that asks after its write was answered finds what the listener was told.
    """

    def series_committed(self, series: CommittedSeries) -> None:
        """These series are in the store now; called before their samples are."""
        ...

    def samples_committed(self, samples: CommittedSamples) -> None:
        """These samples are in the store now."""
        ...

    def histograms_committed(self, timestamps_ms: NDArray[np.int64]) -> None:
        """Native histogram samples of these times (M >= 1, of any order) are in the store now."""
        ...

    def contents_changed(self) -> None:
        """Rows were removed or series moved to other services: what is remembered has to be read anew.

        Called by whichever thread changed it, after the change.
        """
        ...
