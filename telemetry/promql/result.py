"""What a query answers, with what it has cost and what is to be said about it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from telemetry.model.histograms import RawHistograms
from telemetry.model.labels import Labels
from telemetry.model.samples import Frame, RawColumns
from telemetry.promql.run import Statistics


@dataclass(frozen=True, slots=True)
class Samples:
    """Result of a range vector asked for at one instant: the samples themselves."""

    labels: Sequence[Labels]
    columns: RawColumns
    histograms: RawHistograms | None = None
    """Native histograms of the same series; None if there are none."""


@dataclass(frozen=True, slots=True)
class ScalarResult:
    times_ms: "np.typing.NDArray[np.int64]"
    values: "np.typing.NDArray[np.float64]"
    """float64[T]"""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Answer to a query with what it has cost and what is to be said about it."""

    value: Frame | Samples | ScalarResult | str
    """Frame for instant vectors; its rows are in the order of the result."""
    warnings: Sequence[str]
    infos: Sequence[str]
    statistics: Statistics
