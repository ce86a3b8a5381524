"""sum, avg, stddev and stdvar over time."""

from typing import Final

import numpy as np

from telemetry.promql.kernels.compensated import Mean, Sum, add
from telemetry.promql.values import Floats, Mask
from telemetry.promql.windows import Rounds, Windows

_EXACT: Final = float(2**53)
_TRIED: Final = 1024
"""Values that are looked at before all are."""
"""Whole numbers up to here add without rounding."""


def sum_over_time(windows: Windows) -> tuple[Floats, Mask]:
    present = windows.counts > 0
    if sums_exactly(windows.values):
        return _difference_of_running_sums(windows), present
    rounds, total = Rounds(windows), Sum(len(present))
    for _, number, samples in rounds:
        total.add(windows.values[samples], slice(number))
    return rounds.restore(total.result()), present


def avg_over_time(windows: Windows) -> tuple[Floats, Mask]:
    counts = windows.counts
    present = counts > 0
    if sums_exactly(windows.values):
        return _difference_of_running_sums(windows) / np.maximum(counts, 1), present
    rounds, mean = Rounds(windows), Mean(len(present))
    for _, number, samples in rounds:
        mean.add(windows.values[samples], slice(number))
    return rounds.restore(mean.result()), present


def stdvar_over_time(windows: Windows) -> tuple[Floats, Mask]:
    rounds = Rounds(windows)
    size = len(rounds.order)
    mean, mean_error, spread, spread_error = (np.zeros(size) for _ in range(4))
    for turn, number, samples in rounds:
        value = windows.values[samples]
        delta = value - (mean[:number] + mean_error[:number])
        add(delta / (turn + 1.0), mean[:number], mean_error[:number])
        add(delta * (value - (mean[:number] + mean_error[:number])), spread[:number], spread_error[:number])
    variance = (spread + spread_error) / np.maximum(rounds.counts, 1)
    return rounds.restore(variance), windows.counts > 0


def stddev_over_time(windows: Windows) -> tuple[Floats, Mask]:
    variance, present = stdvar_over_time(windows)
    return np.sqrt(variance), present


def sums_exactly(values: Floats) -> bool:
    """Whether these are whole numbers so small that every sum of them is exact in any order."""
    if not len(values):
        return True
    some = values.reshape(-1)[:_TRIED]
    if (np.floor(some) != some).any():
        return False
    magnitude = np.abs(values)
    return bool(magnitude.sum() < _EXACT and (np.floor(magnitude) == magnitude).all())


def _difference_of_running_sums(windows: Windows) -> Floats:
    running = np.concatenate([[0.0], np.cumsum(windows.values)])
    difference: Floats = running[windows.end] - running[windows.first]
    return difference
