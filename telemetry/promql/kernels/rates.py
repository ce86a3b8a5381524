"""rate, increase, delta, irate and idelta.

Source of the extrapolation: https://prometheus.io/docs/prometheus/latest/querying/functions/#rate
"""

from functools import partial

import numpy as np

from telemetry.promql.values import Floats, Indices, Mask
from telemetry.promql.windows import Windows


def extrapolated(windows: Windows, *, counter: bool, per_second: bool) -> tuple[Floats, Mask]:
    """Change over the whole window, guessed from the samples in it; present where there are two.

    A series is taken to go on to an edge that is less than 1.1 sample intervals away, else for half an interval,
    and a counter not to have been below zero.
    """
    present = windows.counts >= 2
    whole = bool(present.all())
    inside = windows if whole else windows.take(np.flatnonzero(present))
    first, last = inside.first, inside.end - 1
    change = inside.values[last] - inside.values[first]
    if counter:
        _undo_resets(inside, change)
    factor = extrapolation(inside, inside.values[first] if counter else None, change)
    if per_second:
        factor /= windows.range_ms / 1000
    change *= factor
    if whole:
        return change, present
    values = np.full(len(present), np.nan)
    values[present] = change
    return values, present


def extrapolation(windows: Windows, counted: Floats | None, change: Floats) -> Floats:
    """Length of time that the change is taken to cover, over the time between the samples."""
    first_ms, last_ms = windows.timestamps_ms[windows.first], windows.timestamps_ms[windows.end - 1]
    to_start = (first_ms - (windows.ends_ms - windows.range_ms)) / 1000
    to_end = (windows.ends_ms - last_ms) / 1000
    sampled = (last_ms - first_ms) / 1000
    between = sampled / (windows.counts - 1)
    threshold = between * 1.1
    to_start = np.where(to_start >= threshold, between / 2, to_start)
    if counted is not None:
        rising = (change > 0) & (counted >= 0)
        to_zero = np.where(rising, sampled * (counted / np.where(rising, change, 1.0)), to_start)
        to_start = np.where(to_zero < to_start, to_zero, to_start)
    to_end = np.where(to_end >= threshold, between / 2, to_end)
    covered: Floats = (sampled + to_start + to_end) / sampled
    return covered


def _undo_resets(windows: Windows, change: Floats) -> None:
    """Add what a counter had reached before each reset in its window, in order of time, in place."""
    values = windows.values
    falls = values[1:] < values[:-1]
    resets = np.flatnonzero(falls) + 1
    if not len(resets):
        return
    until = np.concatenate([[0], np.cumsum(falls)])  # until[i]: falls to sample i and before
    before = until[windows.first]
    number = until[windows.end - 1] - before
    rows = np.flatnonzero(number)
    turn = 0
    while len(rows):
        change[rows] += values[resets[before[rows] + turn] - 1]
        turn += 1
        rows = rows[number[rows] > turn]


def instant(windows: Windows, *, counter: bool) -> tuple[Floats, Mask]:
    """Difference of the last two samples; for a counter per second, and from zero after a reset."""
    present = windows.counts >= 2
    last: Indices = windows.end[present] - 1
    newest, previous = windows.values[last], windows.values[last - 1]
    change = newest - previous
    if counter:
        elapsed = (windows.timestamps_ms[last] - windows.timestamps_ms[last - 1]) / 1000
        change = np.where(newest < previous, newest, change) / elapsed
    values = np.full(len(present), np.nan)
    values[present] = change
    return values, present


rate = partial(extrapolated, counter=True, per_second=True)
increase = partial(extrapolated, counter=True, per_second=False)
delta = partial(extrapolated, counter=False, per_second=False)
irate = partial(instant, counter=True)
idelta = partial(instant, counter=False)
