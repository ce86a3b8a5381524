"""Functions over one window, written down one sample after the other: what the kernels must agree with.

Source: https://prometheus.io/docs/prometheus/latest/querying/functions/
"""

import itertools
import math
from collections.abc import Sequence

Sample = tuple[int, float]
Window = Sequence[Sample]


def neumaier(values: Sequence[float]) -> tuple[float, float]:
    """(sum, what rounding took from it)"""
    total, error = 0.0, 0.0
    for value in values:
        reached = total + value
        if math.isinf(reached):
            error = 0.0
        elif abs(total) >= abs(value):
            error += (total - reached) + value
        else:
            error += (value - reached) + total
        total = reached
    return total, error


def sum_over_time(window: Window) -> float:
    total, error = neumaier([value for _, value in window])
    return total if math.isinf(total) else total + error


def extrapolated(window: Window, end: int, length: int, *, counter: bool, per_second: bool) -> float | None:
    if len(window) < 2:
        return None
    (first_ms, first), (last_ms, last) = window[0], window[-1]
    change = last - first
    if counter:
        for (_, before), (_, after) in itertools.pairwise(window):
            if after < before:
                change += before
    sampled = (last_ms - first_ms) / 1000
    between = sampled / (len(window) - 1)
    to_start, to_end = (first_ms - (end - length)) / 1000, (end - last_ms) / 1000
    if to_start >= between * 1.1:
        to_start = between / 2
    if counter and change > 0 and first >= 0:
        to_start = min(to_start, sampled * (first / change))
    if to_end >= between * 1.1:
        to_end = between / 2
    factor = (sampled + to_start + to_end) / sampled
    return change * (factor / (length / 1000) if per_second else factor)


def instant(window: Window, *, counter: bool) -> float | None:
    if len(window) < 2:
        return None
    (before_ms, before), (after_ms, after) = window[-2:]
    if not counter:
        return after - before
    return (after if after < before else after - before) / ((after_ms - before_ms) / 1000)


def changes(window: Window) -> float:
    pairs = itertools.pairwise(window)
    return float(sum(a != b and not (math.isnan(a) and math.isnan(b)) for (_, a), (_, b) in pairs))


def resets(window: Window) -> float:
    return float(sum(after < before for (_, before), (_, after) in itertools.pairwise(window)))


def extreme(window: Window, *, largest: bool, time: bool) -> float:
    """Value of the extreme sample (first of equals), or time of the last one that has it."""
    at, found = window[0]
    for time_ms, value in window:
        better = value > found if largest else value < found
        if better or math.isnan(found) or (time and value == found):
            at, found = time_ms, value
    return at / 1000 if time else found


def quantile(values: Sequence[float], q: float) -> float:
    if math.isnan(q):
        return math.nan
    if q < 0 or q > 1:
        return math.copysign(math.inf, q)
    ascending = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = q * (len(values) - 1)
    lower = max(0, math.floor(rank))
    upper = min(len(values) - 1, lower + 1)
    weight = rank - math.floor(rank)
    return ascending[lower] * (1 - weight) + ascending[upper] * weight


def mad(window: Window) -> float:
    values = [value for _, value in window]
    median = quantile(values, 0.5)
    return quantile([abs(value - median) for value in values], 0.5)
