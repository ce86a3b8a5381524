"""Samples as columns: what range aggregations work on."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.logql.ast import Grouping
from telemetry.logql.values import Floats, Indices
from telemetry.model.labels import Labels
from telemetry.model.labelsets import grouping_key

_NO_LABELS: Final[Labels] = ()


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of N series, grouped by series and ascending in time."""

    labels: list[Labels]
    offsets: Indices
    """int64[N + 1]: samples of series i are offsets[i]:offsets[i + 1]."""
    times_ns: Indices
    values: Floats


class Collector:
    """Takes samples in any order and sorts them by series and time."""

    def __init__(self) -> None:
        self._numbers: dict[Labels, int] = {}
        self._series: list[int] = []
        self._times: list[int] = []
        self._values: list[float] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, labels: Labels, time_ns: int, value: float) -> None:
        self._series.append(self._numbers.setdefault(labels, len(self._numbers)))
        self._times.append(time_ns)
        self._values.append(value)

    def samples(self) -> Samples:
        series, times = np.array(self._series, np.int64), np.array(self._times, np.int64)
        order = np.lexsort((times, series))
        offsets = np.searchsorted(series[order], np.arange(len(self._numbers) + 1))
        return Samples(list(self._numbers), offsets, times[order], np.array(self._values, np.float64)[order])


class Labelling:
    """Labels of a sample from those of its line: grouped, without the label that became its value."""

    def __init__(self, grouping: Grouping | None, unwrapped: str | None) -> None:
        self._only_none = grouping is not None and not grouping.without and not grouping.labels
        without = grouping is None or grouping.without
        names = list(grouping.labels) if grouping else []
        if unwrapped is not None and without:
            names.append(unwrapped)
        self.keeps_all = without and not names
        self._key = grouping_key(names, without=without)

    def __call__(self, labels: Labels) -> Labels:
        if self._only_none:
            return _NO_LABELS
        return labels if self.keeps_all else self._key(labels)
