"""A native histogram as the JSON of the Prometheus API.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#native-histograms
"""

import numpy as np
from numpy.typing import NDArray

from dashboard.api.prometheus.texts import value_texts
from telemetry.model.histograms import CUSTOM_SCHEMA, Histogram, ShownBuckets, shown_buckets


def histogram_json(histogram: Histogram) -> bytes:
    """Count, sum and the filled buckets, each as [rule of its bounds, lower, upper, count]."""
    count, total = value_texts(np.array([histogram.count, histogram.sum]))
    shown = shown_buckets(histogram)
    filled = shown.counts != 0
    buckets = b""
    if filled.any():
        buckets = b',"buckets":[%s]' % _buckets(histogram.schema, shown, filled)
    return b'{"count":"%s","sum":"%s"%s}' % (count, total, buckets)


def _buckets(schema: int, shown: ShownBuckets, filled: NDArray[np.bool_]) -> bytes:
    lower, upper, counts = shown.lower[filled], shown.upper[filled], shown.counts[filled]
    columns = (bound_rules(schema, lower, upper).tolist(), *map(value_texts, (lower, upper, counts)))
    return b",".join([b'[%d,"%s","%s","%s"]' % bucket for bucket in zip(*columns, strict=True)])


def bound_rules(schema: int, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.int64]:
    """int64[B]: 0 if the upper bound alone belongs to the bucket, 1 the lower alone, 2 neither, 3 both."""
    if schema == CUSTOM_SCHEMA:
        with_lower, with_upper = np.isneginf(lower), np.ones(len(lower), dtype=np.bool_)
    else:
        of_zero = lower == -upper
        with_lower, with_upper = (lower < 0) | of_zero, (upper > 0) | of_zero
    return np.where(with_lower, np.where(with_upper, 3, 1), np.where(with_upper, 0, 2))
