"""quantile and median absolute deviation over time: windows of like length are sorted together."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from telemetry.promql.values import Floats, Indices, Mask
from telemetry.promql.windows import Rounds, Windows

_CELLS: Final = 1 << 20
"""Samples that are sorted at once."""


def quantile_over_time(windows: Windows, quantile: Floats) -> tuple[Floats, Mask]:
    return _by_length(windows, lambda table, counts, rows: quantile_of(table, counts, quantile[rows]))


def mad_over_time(windows: Windows) -> tuple[Floats, Mask]:
    return _by_length(windows, lambda table, counts, rows: _deviation(table, counts))


def _deviation(table: Floats, counts: Indices) -> Floats:
    half = np.full(len(table), 0.5)
    median = quantile_of(table, counts, half)
    beyond = np.arange(table.shape[1]) >= counts[:, None]
    distances = np.abs(table - median[:, None])
    distances[beyond] = np.nan
    return quantile_of(distances, counts, half)


def quantile_of(table: Floats, counts: Indices, quantile: Floats) -> Floats:
    """Quantiles of the rows of `table`, of which row i has counts[i] > 0 values and then NaN to fill it up.

    Between two values the result is interpolated; NaN counts as less than any number. Outside 0 to 1 a quantile
    is -Inf or +Inf.
    """
    filled = np.arange(table.shape[1]) < counts[:, None]
    nans = (np.isnan(table) & filled).sum(axis=1)
    ascending = np.sort(table, axis=1)  # numpy puts NaN last, where the filling is too

    rank = np.where((quantile >= 0) & (quantile <= 1), quantile, 0.0) * (counts - 1.0)
    below = np.maximum(np.floor(rank), 0.0)
    weight = rank - np.floor(rank)
    lower = below.astype(np.int64)
    upper = np.minimum(counts - 1, lower + 1)
    found = _ranked(ascending, lower, nans) * (1 - weight) + _ranked(ascending, upper, nans) * weight
    found = np.where(quantile < 0, -np.inf, np.where(quantile > 1, np.inf, found))
    return np.where(np.isnan(quantile), np.nan, found)


def _ranked(ascending: Floats, position: Indices, nans: Indices) -> Floats:
    """Value at `position` of each row if its NaN stood first."""
    column = np.maximum(position - nans, 0)
    value = np.take_along_axis(ascending, column[:, None], axis=1)[:, 0]
    return np.where(position < nans, np.nan, value)


def _by_length(windows: Windows, reduce: Callable[[Floats, Indices, Indices], Floats]) -> tuple[Floats, Mask]:
    """`reduce(table, counts, rows)` of windows of about the same length, laid out as rows of a table."""
    present = windows.counts > 0
    result = np.full(len(present), np.nan)
    for rows in _alike(Rounds(windows)):
        counts = windows.counts[rows]
        positions = np.arange(int(counts.max()))
        inside = positions < counts[:, None]
        samples = np.where(inside, windows.first[rows][:, None] + positions, windows.first[rows][:, None])
        table = np.where(inside, windows.values[samples], np.nan)
        result[rows] = reduce(table, counts, rows)
    return result, present


def _alike(rounds: Rounds) -> Iterator[Indices]:
    """Windows that are not empty, longest first, in batches of at most _CELLS cells."""
    start, filled = 0, int(np.count_nonzero(rounds.counts))
    while start < filled:
        stop = min(filled, start + max(1, _CELLS // int(rounds.counts[start])))
        yield rounds.order[start:stop]
        start = stop
