"""Quantiles and fractions of classic histograms: series with a label `le`, one a bucket.

Source: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from telemetry.model.labels import Labels, label_value
from telemetry.model.labelsets import number_groups, remove
from telemetry.promql.values import Floats, Indices, Mask, Vector, vector
from telemetry.syntax.numbers import parse_decimal

BUCKET_LABEL: Final = "le"
_TOLERANCE: Final = 1e-12
"""Counts that differ by this share of themselves are equal but for rounding."""


@dataclass(frozen=True, slots=True)
class Histograms:
    """G histograms with the same number of buckets B, at T times each."""

    bounds: Floats
    """float64[G, B]: upper bounds, ascending."""
    counts: Floats
    """float64[G, B, T]: cumulative."""
    labels: Sequence[Labels]
    """G label sets, without `le`."""


Reduce = Callable[[Histograms, Indices], Floats]
"""(histograms, which of the T times these columns are) -> float64[G, columns]"""


def split(operand: Vector) -> tuple[Vector, Floats, Vector]:
    """(bucket series, their upper bounds, series whose label `le` is no number)."""
    bounds = np.array([_bound(label_value(labels, BUCKET_LABEL)) for labels in operand.labels])
    rows = np.flatnonzero(~np.isnan(bounds))
    return operand.take(rows), bounds[rows], operand.take(np.flatnonzero(np.isnan(bounds)))


def _bound(text: str) -> float:
    try:
        return parse_decimal(text)
    except ValueError:
        return float("nan")


def reduce_histograms(buckets: Vector, bounds: Floats, reduce: Reduce) -> Vector:
    """One series a histogram, still with its name, from `reduce` over its buckets at each time where it has any."""
    dropped = frozenset({BUCKET_LABEL})
    index, labels = number_groups(remove(one, dropped) for one in buckets.labels)
    shape = (len(labels), buckets.present.shape[1])
    values, present = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    for groups, rows in _same_size(index, bounds, len(labels)):
        some = [labels[group] for group in groups.tolist()]
        whole = Histograms(bounds[rows], buckets.values[rows], some)
        values[groups], present[groups] = _reduce_presence(buckets.present[rows], whole, reduce)
    return vector(labels, values, present)


def _same_size(index: Indices, bounds: Floats, number: int) -> Iterator[tuple[Indices, Indices]]:
    """Groups with the same number of rows: (int64[G], int64[G, B] their rows by bound)."""
    order = np.lexsort((bounds, index))
    sizes = np.bincount(index, minlength=number)
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes).tolist():
        groups = np.flatnonzero(sizes == size)
        yield groups, order[starts[groups][:, None] + np.arange(size)]


def _reduce_presence(present: Mask, whole: Histograms, reduce: Reduce) -> tuple[Floats, Mask]:
    """(float64[G, T], bool[G, T]) where bucket b of histogram g is there at time t if present[g, b, t].

    Histograms whose buckets come and go are looked at with those buckets only that are there.
    """
    shown: Mask = np.any(present, axis=1)
    complete: Mask = np.all(present, axis=1)
    values = np.full(shown.shape, np.nan)
    if complete.any():
        values[complete] = reduce(whole, np.arange(shown.shape[1]))[complete]
    for group in np.flatnonzero(np.any(shown & ~complete, axis=1)).tolist():
        partial = np.flatnonzero(shown[group] & ~complete[group])
        patterns, which = np.unique(present[group][:, partial], axis=1, return_inverse=True)
        for number in range(patterns.shape[1]):
            columns = partial[which.reshape(-1) == number]
            values[group, columns] = reduce(_part(whole, group, patterns[:, number], columns), columns)[0]
    return values, shown


def _part(whole: Histograms, group: int, buckets: Mask, times: Indices) -> Histograms:
    """One histogram with some of its buckets at some times."""
    counts = whole.counts[group][buckets][:, times]
    return Histograms(whole.bounds[group][buckets][None], counts[None], [whole.labels[group]])


def quantile_reducer(quantile: Floats, note_forced: Callable[[Labels, bool], None]) -> Reduce:
    """Quantile at each time (float64[T]), interpolated inside its bucket.

    NaN without a bucket +Inf. `note_forced(labels, first)` is called for histograms whose counts fell from bucket to
    bucket, once for the first time of the query and once for later ones.
    """

    def reduce(histograms: Histograms, times: Indices) -> Floats:
        q = np.broadcast_to(quantile[times], (len(histograms.bounds), len(times)))
        valid = (q >= 0) & (q <= 1)
        infinite = np.isposinf(histograms.bounds[:, -1])[:, None]
        mended, forced = monotonic(coalesced(histograms))
        mended_at = forced & infinite & valid
        for first, columns in ((True, times == 0), (False, times > 0)):
            for group in np.flatnonzero(mended_at[:, columns].any(axis=1)).tolist():
                note_forced(histograms.labels[group], first)
        found = np.where(valid & infinite, _quantile(mended, np.where(valid, q, 0.0)), np.nan)
        return np.where(q < 0, -np.inf, np.where(q > 1, np.inf, found))

    return reduce


def fraction_reducer(lower: Floats, upper: Floats) -> Reduce:
    """Share of observations between two values at each time (float64[T] each), interpolated inside buckets."""

    def reduce(histograms: Histograms, times: Indices) -> Floats:
        low, high = lower[times], upper[times]
        whole = coalesced(histograms)
        total = whole.counts[:, -1]
        below_low, below_high = _rank(whole, low), _rank(whole, high)
        found = (np.minimum(below_high, total) - np.minimum(below_low, total)) / total
        found = np.where(low >= high, 0.0, found)
        known = (total != 0) & ~np.isnan(low) & ~np.isnan(high) & np.isposinf(whole.bounds[:, -1])[:, None]
        return np.where(known, found, np.nan)

    return reduce


def coalesced(histograms: Histograms) -> Histograms:
    """Counts of buckets with equal bounds (`0.2` and `2e-1`) added up, the sum standing in each of them.

    A bucket that repeats the one before holds nothing and so changes no result.
    """
    bounds, counts = histograms.bounds, histograms.counts.copy()
    same = bounds[:, 1:] == bounds[:, :-1]
    if not same.any():
        return histograms
    for bucket in range(1, bounds.shape[1]):
        counts[same[:, bucket - 1], bucket] += counts[same[:, bucket - 1], bucket - 1]
    for bucket in range(bounds.shape[1] - 2, -1, -1):
        counts[same[:, bucket], bucket] = counts[same[:, bucket], bucket + 1]
    return replace(histograms, counts=counts)


def monotonic(histograms: Histograms) -> tuple[Histograms, Mask]:
    """(counts that never fall, bool[G, T] where they fell by more than rounding)."""
    counts = histograms.counts.copy()
    forced = np.zeros((counts.shape[0], counts.shape[2]), dtype=np.bool_)
    for bucket in range(1, counts.shape[1]):
        before, after = counts[:, bucket - 1], counts[:, bucket]
        alike = np.abs(after - before) < _TOLERANCE * (np.abs(after) + np.abs(before))
        falls = ~alike & (after < before)
        forced |= falls
        counts[:, bucket] = np.where(alike | falls, before, after)
    return replace(histograms, counts=counts), forced


def _quantile(histograms: Histograms, quantile: Floats) -> Floats:
    """float64[G, T] for monotonic histograms that end in +Inf."""
    bounds, counts = histograms.bounds, histograms.counts
    groups = np.arange(len(bounds))[:, None]
    last = np.argmax(np.isposinf(bounds), axis=1)[:, None]  # the first of perhaps several +Inf
    observations = counts[:, -1]
    rank = quantile * observations
    reached = counts >= rank[:, None]
    bucket = np.minimum(np.where(reached.any(axis=1), reached.argmax(axis=1), last), last)

    before = np.maximum(bucket - 1, 0)
    times = np.arange(counts.shape[2])
    start = np.where(bucket > 0, bounds[groups, before], 0.0)
    count_before = np.where(bucket > 0, counts[groups, before, times], 0.0)
    end, count = bounds[groups, bucket], counts[groups, bucket, times] - count_before
    found = start + (end - start) * ((rank - count_before) / count)
    found = np.where((bucket == 0) & (end <= 0), end, found)
    found = np.where(bucket == last, bounds[groups, np.maximum(last - 1, 0)], found)
    return np.where((last == 0) | (observations == 0), np.nan, found)


def _rank(histograms: Histograms, value: Floats) -> Floats:
    """float64[G, T]: observations below `value` (float64[T])."""
    bounds, counts = histograms.bounds, histograms.counts
    rank = counts[:, -1].copy()
    known = np.zeros(rank.shape, dtype=np.bool_)
    below = np.zeros(rank.shape)
    start = np.full((len(bounds), 1), -np.inf)
    for bucket in range(bounds.shape[1]):
        end, count = bounds[:, bucket][:, None], counts[:, bucket]
        at_edge = ~known & (start >= value)
        rank[at_edge] = below[at_edge]
        known |= at_edge
        inside = ~known & (start < value) & (end > value)
        rank[inside] = (below + (count - below) * (value - start) / (end - start))[inside]
        known |= inside
        start, below = end, count
    return rank
