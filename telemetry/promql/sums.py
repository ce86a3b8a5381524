"""Sums over many rows at once, as exact as the running sums of Prometheus and in any order."""

from typing import Final

import numpy as np

from telemetry.promql.groups import Groups
from telemetry.promql.kernels.compensated import Mean, add
from telemetry.promql.kernels.sums import sums_exactly
from telemetry.promql.values import Floats, Indices, Mask

_FEW_ROWS: Final = 32
"""Up to here rows are added one after the other, as Prometheus does; beyond, pairwise."""


def sum_by_group(groups: Groups) -> Floats:
    """float64[G, T]: sums of the samples of each group."""
    values = groups.sorted_values(-0.0)  # adding -0.0 changes nothing, not even -0.0
    if not len(values):
        return np.zeros(groups.shape)
    if sums_exactly(values):
        return np.add.reduceat(values, groups.starts, axis=0)
    if int(groups.sizes.max()) > _FEW_ROWS:
        total, error = add_pairwise(values, groups)
        if np.isfinite(total).all():
            return total + error
    return _add_in_turn(values, groups)


def mean_by_group(groups: Groups) -> Floats:
    """float64[G, T]: means of the samples of each group; anything where there are none."""
    values = groups.sorted_values(-0.0)
    if not len(values):
        return np.zeros(groups.shape)
    counts = np.maximum(groups.counts(), 1)
    if sums_exactly(values):
        return np.add.reduceat(values, groups.starts, axis=0) / counts
    if int(groups.sizes.max()) > _FEW_ROWS:
        total, error = add_pairwise(values, groups)
        if np.isfinite(total).all():
            return total / counts + error / counts
    mean = Mean(groups.shape[0] * groups.shape[1])
    for columns, value in groups.samples():
        mean.add(value, columns)
    return mean.result().reshape(groups.shape)


def _add_in_turn(values: Floats, groups: Groups) -> Floats:
    """float64[G, T]: rows of each group added one after the other."""
    total, error = np.full(groups.shape, -0.0), np.zeros(groups.shape)
    for turn in range(int(groups.sizes.max())):
        chosen = np.flatnonzero(groups.sizes > turn)
        rows = groups.starts[chosen] + turn
        if len(chosen) == len(total):
            add(values[rows], total, error)
            continue
        some, rest = total[chosen], error[chosen]
        add(values[rows], some, rest)
        total[chosen], error[chosen] = some, rest
    return np.where(np.isinf(total), total, total + error)


def add_pairwise(values: Floats, groups: Groups) -> tuple[Floats, Floats]:
    """(sums, what rounding took from them) of neighbouring rows, then of their sums, until one a group is left."""
    total, error = values, np.zeros_like(values)
    sizes = groups.sizes
    while int(sizes.max()) > 1:
        starts = np.cumsum(sizes) - sizes
        halves = (sizes + 1) // 2
        group = np.repeat(np.arange(len(sizes)), halves)
        turn = np.arange(len(group)) - np.repeat(np.cumsum(halves) - halves, halves)
        first = starts[group] + 2 * turn
        paired = 2 * turn + 1 < sizes[group]
        total, error = _add_rows(total, error, first, paired)
        sizes = halves
    return total, error


def _add_rows(total: Floats, error: Floats, first: Indices, paired: Mask) -> tuple[Floats, Floats]:
    """Rows `first`, with the row after each added where `paired`; exact but for the order of the errors."""
    sums, errors = total[first], error[first]
    with_next = first[paired]
    a, b = total[with_next], total[with_next + 1]
    reached = a + b
    virtual = reached - a
    lost = (a - (reached - virtual)) + (b - virtual)
    sums[paired] = reached
    errors[paired] = error[with_next] + error[with_next + 1] + lost
    return sums, errors
