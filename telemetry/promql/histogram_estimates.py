"""Quantiles, shares and spread of native histograms, interpolated inside buckets.

Source: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
"""

import math
from enum import Enum, auto

import numpy as np

from telemetry.model.exponentials import exp2, log2
from telemetry.model.histograms import Histogram, ShownBuckets, shown_buckets
from telemetry.promql.kernels.compensated import Sum


class NanEffect(Enum):
    """What observations that are not numbers do to a result."""

    NONE = auto()
    RESULT = auto()
    """It is not a number itself."""
    SKEW = auto()
    """It is higher, or for a fraction lower, than without them."""


def quantile(q: float, histogram: Histogram) -> tuple[float, NanEffect]:
    """Quantile `q`; -Inf below 0, +Inf above 1, NaN without observations."""
    if q < 0 or q > 1:
        return math.copysign(math.inf, q), NanEffect.NONE
    if histogram.count == 0 or math.isnan(q):
        return math.nan, NanEffect.NONE
    buckets = shown_buckets(histogram)
    forward = math.isnan(histogram.sum) or q < 0.5
    rank = (q if forward else 1 - q) * histogram.count
    counts = buckets.counts if forward else buckets.counts[::-1]
    at, reached = _first_reaching(counts, rank)
    if at < 0:
        return (math.nan, NanEffect.RESULT) if math.isnan(histogram.sum) else (0.0, NanEffect.NONE)
    place = at if forward else len(buckets) - 1 - at
    inside = float(buckets.counts[place])
    lower, upper = _natural_bounds(histogram, float(buckets.lower[place]), float(buckets.upper[place]))
    if histogram.is_custom:
        if lower == -math.inf:
            if upper <= 0:
                return upper, NanEffect.NONE
            lower = 0.0
        elif upper == math.inf:
            return lower, NanEffect.NONE
    reached = min(reached, histogram.count)
    if reached < rank:
        return (math.nan, NanEffect.RESULT) if math.isnan(histogram.sum) else (upper, NanEffect.NONE)
    rank = rank - (reached - inside) if forward else reached - rank
    found = _interpolated(histogram, lower, upper, _ratio(rank, inside))
    return found, _skew(histogram, buckets)


def _first_reaching(counts: np.ndarray[tuple[int], np.dtype[np.float64]], rank: float) -> tuple[int, float]:
    """(position of the first filled bucket with which `rank` is reached, else of the last bucket; count up to it)."""
    reached = 0.0
    for at, count in enumerate(counts.tolist()):
        reached += count
        if count != 0 and reached >= rank:
            return at, reached
    return len(counts) - 1, reached


def _natural_bounds(histogram: Histogram, lower: float, upper: float) -> tuple[float, float]:
    """A zero bucket ends at zero if the observations have one sign."""
    if not histogram.is_custom and lower < 0 < upper:
        if not len(histogram.negative) and len(histogram.positive):
            return 0.0, upper
        if not len(histogram.positive) and len(histogram.negative):
            return lower, 0.0
    return lower, upper


def _ratio(numerator: float, denominator: float) -> float:
    return float(np.float64(numerator) / np.float64(denominator))


def _interpolated(histogram: Histogram, lower: float, upper: float, fraction: float) -> float:
    if histogram.is_custom or lower <= 0 <= upper:
        return lower + (upper - lower) * fraction
    log_lower, log_upper = log2(abs(lower)), log2(abs(upper))
    if lower > 0:
        return exp2(log_lower + (log_upper - log_lower) * fraction)
    return -exp2(log_upper + (log_lower - log_upper) * (1 - fraction))


def _skew(histogram: Histogram, buckets: ShownBuckets) -> NanEffect:
    """An infinite observation of either sign makes the sum NaN too, but is in a bucket."""
    return NanEffect.SKEW if math.isnan(histogram.sum) and _total(buckets) < histogram.count else NanEffect.NONE


def _total(buckets: ShownBuckets) -> float:
    return float(sum(buckets.counts.tolist()))


def fraction(lower: float, upper: float, histogram: Histogram) -> tuple[float, NanEffect]:
    """Share of the observations between two values; NaN without observations."""
    if histogram.count == 0 or math.isnan(lower) or math.isnan(upper):
        return math.nan, NanEffect.NONE
    if lower >= upper:
        return 0.0, NanEffect.NONE
    buckets = shown_buckets(histogram)
    total = _total(buckets) if math.isnan(histogram.sum) else histogram.count
    ranks = [min(rank, total) for rank in (_rank(histogram, buckets, value, total) for value in (lower, upper))]
    return _ratio(ranks[1] - ranks[0], histogram.count), _skew(histogram, buckets)


def _rank(histogram: Histogram, buckets: ShownBuckets, value: float, total: float) -> float:
    """Observations below `value`."""
    rank = 0.0
    for start, end, count in zip(buckets.lower.tolist(), buckets.upper.tolist(), buckets.counts.tolist(), strict=True):
        lower, upper = _natural_bounds_of_fraction(histogram, start, end)
        if lower >= value:
            return rank
        if upper > value:
            linear = histogram.is_custom or start <= 0 <= end
            return _rank_inside(rank, count, lower, upper, value, linear=linear)
        rank += count
    return total


def _natural_bounds_of_fraction(histogram: Histogram, lower: float, upper: float) -> tuple[float, float]:
    """As for quantiles, but for every bucket that touches zero."""
    if lower <= 0 <= upper:
        if not len(histogram.negative) and len(histogram.positive):
            return 0.0, upper
        if not len(histogram.positive) and len(histogram.negative):
            return lower, 0.0
    return lower, upper


def _rank_inside(rank: float, count: float, lower: float, upper: float, value: float, *, linear: bool) -> float:
    if linear:
        return rank + count * (value - lower) / (upper - lower)
    log_lower, log_upper, log_value = (log2(abs(one)) for one in (lower, upper, value))
    if value > 0:
        return rank + count * ((log_value - log_lower) / (log_upper - log_lower))
    return rank + count * (1 - (log_value - log_upper) / (log_lower - log_upper))


def average(histogram: Histogram) -> float:
    """Mean of the observations."""
    return _ratio(histogram.sum, histogram.count)


def variance(histogram: Histogram) -> float:
    """Spread of the observations, each taken to lie in the middle of its bucket."""
    buckets = shown_buckets(histogram)
    mean = average(histogram)
    total = Sum(1)
    for lower, upper, count in zip(
        buckets.lower.tolist(), buckets.upper.tolist(), buckets.counts.tolist(), strict=True
    ):
        if count != 0:
            distance = _middle(histogram, lower, upper) - mean
            total.add(np.array([count * distance * distance]), slice(1))
    return _ratio(float(total.result()[0]), histogram.count)


def _middle(histogram: Histogram, lower: float, upper: float) -> float:
    if histogram.is_custom:
        return (lower + upper) / 2
    if lower <= 0 <= upper:
        return 0.0
    middle = math.sqrt(lower * upper)
    return -middle if upper < 0 else middle


def deviation(histogram: Histogram) -> float:
    """Square root of the variance."""
    return float(np.sqrt(np.float64(variance(histogram))))
