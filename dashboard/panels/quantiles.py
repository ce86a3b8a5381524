"""Quantiles of classic histograms, on many times at once."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def histogram_quantile(quantile: float, bounds: Floats, cumulative: Floats) -> Floats:
    """float64[T]: the quantile (0 to 1) at each time, NaN where nothing was observed.

    `bounds` is float64[B], upper bounds ascending, the last one infinite; `cumulative` is float64[B, T], counts or
    rates at or below each bound. Values are spread evenly within a bucket; a quantile in the last one is its lower
    bound. Rule: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
    """
    if len(bounds) < 2 or not np.isinf(bounds[-1]):
        return np.full(cumulative.shape[1], np.nan)
    heights = np.maximum.accumulate(cumulative, axis=0)  # scrapes of buckets may be torn apart
    total = heights[-1]
    rank = quantile * total
    found = np.argmax(heights >= rank, axis=0)
    columns = np.arange(heights.shape[1])
    below = np.where(found > 0, heights[found - 1, columns], 0.0)
    inside = heights[found, columns] - below
    lower = np.where(found > 0, bounds[found - 1], np.minimum(bounds[0], 0.0))
    upper = bounds[found]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(inside > 0, (rank - below) / inside, 0.0)
        value = np.where(np.isinf(upper), lower, lower + (upper - lower) * share)
    return np.where(total > 0, value, np.nan)
