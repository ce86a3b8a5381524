"""Sums and means of native histograms, one after the other as Prometheus takes them."""

from collections.abc import Iterable

from telemetry.model.histograms import Histogram
from telemetry.promql import histogram_arithmetic as arithmetic


def sum_of(histograms: Iterable[Histogram]) -> Histogram:
    """Of one or more. Raises Incompatible."""
    first, *others = histograms
    total = first
    for other in others:
        total = arithmetic.add(total, other)
    return total


def mean_of(histograms: Iterable[Histogram]) -> Histogram:
    """Of one or more, step by step so that nothing overflows. Raises Incompatible."""
    first, *others = histograms
    mean = first
    for number, other in enumerate(others, 2):
        mean = next_mean(mean, other, number)
    return mean


def next_mean(mean: Histogram, histogram: Histogram, number: int) -> Histogram:
    """Mean of `number` histograms, of which `mean` is that of all but the last."""
    step = arithmetic.subtract(arithmetic.divide(histogram, number), arithmetic.divide(mean, number))
    return arithmetic.add(mean, step)
