"""Arithmetic of native histograms: what PromQL does with two of them, or with one and a number.

Histograms of different resolution are brought to the lower one, zero buckets to the wider one, as Prometheus does.
Source: https://prometheus.io/docs/specs/native_histograms/#promql
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from telemetry.model.histograms import NO_BUCKETS, Buckets, Cells, Histogram, ResetHint, reduced_buckets, upper_bounds
from telemetry.promql.values import Floats, Indices


class Incompatible(Exception):
    """Two histograms that no operation can bring together."""


class IncompatibleSchemas(Incompatible):
    """One has exponential buckets and the other has bounds of its own."""


class IncompatibleBounds(Incompatible):
    """Both have bounds of their own, but not the same."""


def add(one: Histogram, other: Histogram) -> Histogram:
    """Raises Incompatible."""
    return replace(_combined(one, other, 1.0), hint=_joint_hint(one.hint, other.hint))


def subtract(one: Histogram, other: Histogram) -> Histogram:
    """Raises Incompatible."""
    return _combined(one, other, -1.0)


def multiply(histogram: Histogram, factor: float) -> Histogram:
    factor = np.float64(factor)
    return _scaled(histogram, lambda values: values * factor)


def divide(histogram: Histogram, divisor: float) -> Histogram:
    """Nothing is left of the buckets if the divisor is zero."""
    if divisor == 0:
        histogram = replace(histogram, positive=NO_BUCKETS, negative=NO_BUCKETS)
    divisor = np.float64(divisor)
    return _scaled(histogram, lambda values: values / divisor)


def compacted(histogram: Histogram) -> Histogram:
    """Without empty buckets."""
    positive, negative = _without_empty(histogram.positive), _without_empty(histogram.negative)
    if positive is histogram.positive and negative is histogram.negative:
        return histogram
    return replace(histogram, positive=positive, negative=negative)


def equals(one: Histogram, other: Histogram) -> bool:
    """Whether the two are the same bit for bit, listed empty buckets included; hints do not count."""
    numbers = (
        (one.count, other.count),
        (one.sum, other.sum),
        (one.zero_threshold, other.zero_threshold),
        (one.zero_count, other.zero_count),
    )
    return (
        one.schema == other.schema
        and _same_bits(*(np.array(side, np.float64) for side in zip(*numbers, strict=True)))
        and _same_bits(one.custom_bounds, other.custom_bounds)
        and _same_buckets(one.positive, other.positive)
        and _same_buckets(one.negative, other.negative)
    )


def is_reset(after: Histogram, before: Histogram) -> bool:
    """Whether a counter was reset between two samples: some count fell, or the layout got finer."""
    if after.hint is ResetHint.RESET:
        return True
    if after.hint is ResetHint.NOT_RESET:
        return False
    if after.count < before.count or after.is_custom != before.is_custom:
        return True
    if after.is_custom and not _same_bits(after.custom_bounds, before.custom_bounds):
        return True
    if after.schema > before.schema or after.zero_threshold < before.zero_threshold:
        return True
    zero_count, threshold = zero_count_within(before, after.zero_threshold)
    if threshold != after.zero_threshold or after.zero_count < zero_count:
        return True
    return _falls(after, before, after.positive, before.positive) or _falls(
        after, before, after.negative, before.negative
    )


def reset_once(histograms: Cells) -> Cells:
    """A sample that says it comes after a reset says so once only, however often a subquery sees it in a row."""
    marked = [at for at, one in enumerate(histograms) if one.hint is ResetHint.RESET]
    again = [at for at in marked if at and equals(histograms[at], histograms[at - 1])]
    if again:
        histograms = histograms.copy()
        histograms[again] = [replace(histograms[at], hint=ResetHint.UNKNOWN) for at in again]
    return histograms


def zero_count_within(histogram: Histogram, threshold: float) -> tuple[float, float]:
    """(observations up to a larger threshold, that threshold moved to the end of a filled bucket it falls into)."""
    if threshold == histogram.zero_threshold:
        return histogram.zero_count, threshold
    while True:
        count, threshold = _with_inner(histogram, histogram.positive, histogram.zero_count, threshold)
        count, reached = _with_inner(histogram, histogram.negative, count, threshold)
        if reached == threshold:
            return count, threshold
        threshold = reached


def _with_inner(histogram: Histogram, buckets: Buckets, count: float, threshold: float) -> tuple[float, float]:
    """Adds the buckets that begin below `threshold` to `count`."""
    for index, inside in zip(buckets.indices.tolist(), buckets.counts.tolist(), strict=True):
        lower, upper = upper_bounds(np.array([index - 1, index]), histogram.schema, histogram.custom_bounds).tolist()
        if lower >= threshold:
            break
        count += inside
        if upper > threshold:
            return count, upper if inside else threshold
    return count, threshold


def _combined(one: Histogram, other: Histogram, sign: float) -> Histogram:
    if one.is_custom != other.is_custom:
        raise IncompatibleSchemas
    if one.is_custom:
        if not _same_bits(one.custom_bounds, other.custom_bounds):
            raise IncompatibleBounds
        return replace(
            one,
            count=one.count + sign * other.count,
            sum=one.sum + sign * other.sum,
            positive=_joined(one.positive, other.positive, sign),
        )
    one, other_zero_count = _with_common_zero(one, other)
    schema = min(one.schema, other.schema)
    sides = (
        _joined(
            reduced_buckets(mine, one.schema, schema),
            _beyond(reduced_buckets(theirs, other.schema, schema), schema, one.zero_threshold),
            sign,
        )
        for mine, theirs in ((one.positive, other.positive), (one.negative, other.negative))
    )
    positive, negative = sides
    return replace(
        one,
        schema=schema,
        count=one.count + sign * other.count,
        sum=one.sum + sign * other.sum,
        zero_count=one.zero_count + sign * other_zero_count,
        positive=positive,
        negative=negative,
    )


def _with_common_zero(one: Histogram, other: Histogram) -> tuple[Histogram, float]:
    """(`one` with the wider zero bucket of both, count of that zero bucket in `other`)."""
    count, threshold = other.zero_count, other.zero_threshold
    while threshold != one.zero_threshold:
        if one.zero_threshold > threshold:
            count, threshold = zero_count_within(other, one.zero_threshold)
        if threshold > one.zero_threshold:
            zero_count, reached = zero_count_within(one, threshold)
            one = _without_inner(replace(one, zero_count=zero_count, zero_threshold=reached))
    return one, count


def _without_inner(histogram: Histogram) -> Histogram:
    """Buckets inside of the zero bucket, and empty ones, taken out."""
    return replace(
        histogram,
        positive=_without_empty(_beyond(histogram.positive, histogram.schema, histogram.zero_threshold, begin=True)),
        negative=_without_empty(_beyond(histogram.negative, histogram.schema, histogram.zero_threshold, begin=True)),
    )


def _beyond(buckets: Buckets, schema: int, threshold: float, *, begin: bool = False) -> Buckets:
    """Buckets that end (or, with `begin`, that begin) beyond `threshold`."""
    if not len(buckets) or threshold == 0.0:
        return buckets
    no_bounds = np.empty(0)
    if begin:
        kept = upper_bounds(buckets.indices - 1, schema, no_bounds) >= threshold
    else:
        kept = upper_bounds(buckets.indices, schema, no_bounds) > threshold
    return buckets if kept.all() else Buckets(buckets.indices[kept], buckets.counts[kept])


def _joined(one: Buckets, other: Buckets, sign: float) -> Buckets:
    """Buckets of both, counts of `other` times `sign` added."""
    if not len(other):
        return one
    if _same_indices(one.indices, other.indices):
        return Buckets(one.indices, one.counts + sign * other.counts)
    indices = np.union1d(one.indices, other.indices)
    counts = np.zeros(len(indices))
    counts[np.searchsorted(indices, one.indices)] = one.counts
    counts[np.searchsorted(indices, other.indices)] += sign * other.counts
    return Buckets(indices, counts)


def _same_indices(one: Indices, other: Indices) -> bool:
    return one is other or (len(one) == len(other) and bool((one == other).all()))


def _falls(after: Histogram, before: Histogram, ours: Buckets, theirs: Buckets) -> bool:
    """Whether a bucket of `before` beyond the zero bucket holds more than the same bucket of `after`."""
    theirs = _beyond(reduced_buckets(theirs, before.schema, after.schema), after.schema, after.zero_threshold)
    if not len(theirs):
        return False
    if _same_indices(ours.indices, theirs.indices):
        return bool((ours.counts < theirs.counts).any())
    place = np.searchsorted(ours.indices, theirs.indices)
    found = np.minimum(place, max(len(ours) - 1, 0))
    there = (place < len(ours)) & (ours.indices[found] == theirs.indices) if len(ours) else np.zeros(len(theirs), bool)
    if (theirs.counts[~there] != 0).any():
        return True
    return bool((ours.counts[found[there]] < theirs.counts[there]).any())


def _scaled(histogram: Histogram, scale: Callable[[Any], Any]) -> Histogram:
    return replace(
        histogram,
        count=float(scale(np.float64(histogram.count))),
        sum=float(scale(np.float64(histogram.sum))),
        zero_count=float(scale(np.float64(histogram.zero_count))),
        positive=Buckets(histogram.positive.indices, scale(histogram.positive.counts)),
        negative=Buckets(histogram.negative.indices, scale(histogram.negative.counts)),
    )


def _without_empty(buckets: Buckets) -> Buckets:
    filled = buckets.counts != 0
    return buckets if filled.all() else Buckets(buckets.indices[filled], buckets.counts[filled])


def _same_bits(one: Floats, other: Floats) -> bool:
    return one is other or (len(one) == len(other) and one.tobytes() == other.tobytes())


def _same_buckets(one: Buckets, other: Buckets) -> bool:
    return _same_indices(one.indices, other.indices) and _same_bits(one.counts, other.counts)


def _joint_hint(one: ResetHint, other: ResetHint) -> ResetHint:
    """Hint of a sum: a gauge makes it one, doubt makes it doubtful."""
    if one is other:
        return one
    return ResetHint.GAUGE if ResetHint.GAUGE in (one, other) else ResetHint.UNKNOWN
