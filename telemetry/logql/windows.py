"""Range aggregations: a value for each window (t - range, t] of each series.

Source: https://grafana.com/docs/loki/latest/query/metric_queries/
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import numpy as np

from telemetry.logql.samples import Samples
from telemetry.logql.values import Floats, Indices, Mask, Vector

_SECOND_NS: Final = 10**9


def apply_windows(op: str, samples: Samples, ends_ns: Indices, range_ns: int, parameter: float | None) -> Vector:
    """One row a series, one column an end. `ends_ns` ascends."""
    first, last = _edges(samples, ends_ns - range_ns), _edges(samples, ends_ns)
    present: Mask = last > first
    with np.errstate(all="ignore"):
        values = _values(op, samples, first, last, ends_ns, range_ns, parameter)
    return Vector(samples.labels, values, present).compact()


def _edges(samples: Samples, edges_ns: Indices) -> Indices:
    """int64[N, T]: index one past the last sample at or before each edge."""
    found = np.empty((len(samples.labels), len(edges_ns)), np.int64)
    bounds = samples.offsets.tolist()
    for row, (start, end) in enumerate(pairwise(bounds)):
        found[row] = start + np.searchsorted(samples.times_ns[start:end], edges_ns, side="right")
    return found


def _values(
    op: str, samples: Samples, first: Indices, last: Indices, ends_ns: Indices, range_ns: int, parameter: float | None
) -> Floats:
    seconds = range_ns / _SECOND_NS
    match op:
        case "count_over_time":
            return (last - first).astype(np.float64)
        case "rate" | "bytes_rate":
            return _sums(samples.values, first, last) / seconds
        case "sum_over_time" | "bytes_over_time":
            return _sums(samples.values, first, last)
        case "avg_over_time":
            means: Floats = _sums(samples.values, first, last) / np.maximum(last - first, 1)
            return means
        case "first_over_time":
            return _picked(samples.values, first, last, first)
        case "last_over_time":
            return _picked(samples.values, first, last, last - 1)
        case "rate_counter":
            return _each(first, last, lambda a, b, t: counter_rate(samples, a, b, int(ends_ns[t]), range_ns))
        case "quantile_over_time":
            wanted = 0.0 if parameter is None else parameter
            return _each(first, last, lambda a, b, _: quantile(samples.values[a:b], wanted))
    reduce = _OF_WINDOW[op]
    return _each(first, last, lambda a, b, _: reduce(samples.values[a:b]))


def _sums(values: Floats, first: Indices, last: Indices) -> Floats:
    """Sums of windows: by running sums where those are exact, else window by window."""
    if len(values) and (np.floor(values) == values).all() and np.abs(values).sum() < 2.0**53:
        running = np.concatenate([[0.0], np.cumsum(values)])
        result: Floats = running[last] - running[first]
        return result
    return _each(first, last, lambda a, b, _: float(values[a:b].sum()))


def _picked(values: Floats, first: Indices, last: Indices, chosen: Indices) -> Floats:
    if not len(values):
        return np.zeros(first.shape)
    return np.where(last > first, values[np.clip(chosen, 0, len(values) - 1)], np.nan)


def _each(first: Indices, last: Indices, reduce: Callable[[int, int, int], float]) -> Floats:
    result = np.full(first.shape, np.nan)
    for row, time in _filled(first, last):
        result[row, time] = reduce(int(first[row, time]), int(last[row, time]), time)
    return result


def _filled(first: Indices, last: Indices) -> Iterator[tuple[int, int]]:
    rows, times = np.nonzero(last > first)
    return zip(rows.tolist(), times.tolist(), strict=True)


def _variance(values: Floats) -> float:
    return float(np.var(values))


_OF_WINDOW: Final[dict[str, Callable[[Floats], float]]] = {
    "max_over_time": lambda values: float(np.fmax.reduce(values)),
    "min_over_time": lambda values: float(np.fmin.reduce(values)),
    "stdvar_over_time": _variance,
    "stddev_over_time": lambda values: float(np.sqrt(_variance(values))),
}


def quantile(values: Floats, wanted: float) -> float:
    """Quantile with linear interpolation; infinite outside 0 to 1."""
    if wanted < 0:
        return -np.inf
    if wanted > 1:
        return np.inf
    numbers = np.sort(values)
    nan = int(np.isnan(numbers).sum())
    ascending = np.concatenate([numbers[len(numbers) - nan :], numbers[: len(numbers) - nan]])  # NaN comes first
    rank = wanted * (len(ascending) - 1)
    lower = max(0, int(np.floor(rank)))
    upper = min(len(ascending) - 1, lower + 1)
    weight = rank - np.floor(rank)
    return float(ascending[lower] * (1 - weight) + ascending[upper] * weight)


def counter_rate(samples: Samples, first: int, last: int, end_ns: int, range_ns: int) -> float:
    """Increase a second of a counter, resets added, extrapolated to the ends of the window; 0 for one sample."""
    values, times = samples.values[first:last], samples.times_ns[first:last]
    if len(values) < 2:
        return 0.0
    drops = values[:-1][values[1:] < values[:-1]]
    increase = float(values[-1] - values[0] + drops.sum())
    to_start = (int(times[0]) - (end_ns - range_ns)) / _SECOND_NS
    to_end = (end_ns - int(times[-1])) / _SECOND_NS
    sampled = int(times[-1] - times[0]) / _SECOND_NS
    between = sampled / (len(values) - 1)
    to_start = between / 2 if to_start >= between * 1.1 else to_start
    if increase > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (float(values[0]) / increase))
    to_end = between / 2 if to_end >= between * 1.1 else to_end
    if sampled == 0:
        return float("nan")
    return increase * ((sampled + to_start + to_end) / sampled) / (range_ns / _SECOND_NS)
