"""Native histograms: one sample with all its buckets, as values to compute with and as columns to move and store.

Source: https://prometheus.io/docs/specs/native_histograms/
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.exponentials import bucket_fractions
from telemetry.model.labels import Labels
from telemetry.model.samples import MetricMetadata, is_stale

CUSTOM_SCHEMA: Final = -53
"""Buckets between bounds of its own; its first bucket has index 0 and no lower bound."""
LOWEST_SCHEMA: Final = -4
HIGHEST_SCHEMA: Final = 8
"""Exponential schemas: bucket i ends at 2 ** (i / 2 ** schema)."""

_MAXIMUM: Final = float(np.finfo(np.float64).max)
_LAST_EXPONENT: Final = 1025


class ResetHint(IntEnum):
    """What is known of a counter between the sample before and this one; numbers as in remote write."""

    UNKNOWN = 0
    RESET = 1
    NOT_RESET = 2
    GAUGE = 3
    """No counter at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """Buckets of one sign. An empty bucket that is listed differs from one that is not, as in Prometheus."""

    indices: NDArray[np.int64]
    """int64[B], ascending."""
    counts: NDArray[np.float64]
    """float64[B]: observations in each bucket alone."""

    def __len__(self) -> int:
        return len(self.indices)


NO_BUCKETS: Final = Buckets(np.empty(0, np.int64), np.empty(0))
NO_BOUNDS: Final = np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """One native histogram sample; counts are floats, as PromQL sees them."""

    schema: int
    count: float
    sum: float
    zero_threshold: float = 0.0
    zero_count: float = 0.0
    positive: Buckets = NO_BUCKETS
    negative: Buckets = NO_BUCKETS
    custom_bounds: NDArray[np.float64] = field(default_factory=lambda: NO_BOUNDS)
    """Upper bounds under CUSTOM_SCHEMA but for the last, +Inf, which is implied."""
    hint: ResetHint = ResetHint.UNKNOWN

    @property
    def is_custom(self) -> bool:
        return self.schema == CUSTOM_SCHEMA


def reduced(histogram: Histogram, schema: int) -> Histogram:
    """The same observations at a lower or equal exponential resolution."""
    if histogram.schema == schema:
        return histogram
    positive, negative = (
        reduced_buckets(buckets, histogram.schema, schema) for buckets in (histogram.positive, histogram.negative)
    )
    return replace(histogram, schema=schema, positive=positive, negative=negative)


def reduced_buckets(buckets: Buckets, schema: int, target: int) -> Buckets:
    """Buckets of a finer schema added up to those of a coarser one."""
    if schema == target or not len(buckets):
        return buckets
    indices = ((buckets.indices - 1) >> (schema - target)) + 1
    starts = np.flatnonzero(np.concatenate([[True], indices[1:] != indices[:-1]]))
    return Buckets(indices[starts], np.add.reduceat(buckets.counts, starts))


def upper_bounds(indices: NDArray[np.int64], schema: int, custom_bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[B]: upper bounds of the positive buckets with these indices."""
    if schema == CUSTOM_SCHEMA:
        bounds = np.concatenate([[-np.inf], custom_bounds, [np.inf]])
        return np.asarray(bounds[np.clip(indices + 1, 0, len(bounds) - 1)], dtype=np.float64)
    fraction, exponent = np.full(len(indices), 0.5), indices + 1
    if schema > 0:
        fraction, exponent = bucket_fractions(schema)[indices & ((1 << schema) - 1)], (indices >> schema) + 1
    elif schema < 0:
        exponent = (indices << -schema) + 1
    with np.errstate(over="ignore", under="ignore"):
        bounds = np.asarray(np.ldexp(fraction, np.clip(exponent, -2000, 2000).astype(np.int32)))
    bounds[(exponent == _LAST_EXPONENT) & (fraction == 0.5)] = _MAXIMUM
    return bounds


@dataclass(frozen=True, slots=True)
class ShownBuckets:
    """All buckets of one histogram by value: negative ones, the zero bucket if it holds anything, positive ones."""

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    counts: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.counts)


def shown_buckets(histogram: Histogram) -> ShownBuckets:
    """Buckets ascending; those that reach into the zero bucket end at its threshold."""
    upper, lower = _bounds(histogram, histogram.positive)
    counts = histogram.positive.counts
    threshold = histogram.zero_threshold
    if len(histogram.negative) or histogram.zero_count > 0 or threshold:
        np.maximum(lower, threshold, out=lower, where=lower > 0)
        far, near = _bounds(histogram, histogram.negative)
        np.maximum(near, threshold, out=near, where=near > 0)
        zero = 1 if histogram.zero_count > 0 else 0
        lower = np.concatenate([-far[::-1], [-threshold][:zero], lower])
        upper = np.concatenate([-near[::-1], [threshold][:zero], upper])
        counts = np.concatenate([histogram.negative.counts[::-1], [histogram.zero_count][:zero], counts])
    return ShownBuckets(lower, upper, counts)


def _bounds(histogram: Histogram, buckets: Buckets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(farther from zero, nearer to zero) of each bucket, as absolute values."""
    schema, custom = histogram.schema, histogram.custom_bounds
    return upper_bounds(buckets.indices, schema, custom), upper_bounds(buckets.indices - 1, schema, custom)


Cells = NDArray[np.object_]
"""Histogram where there is one, else None."""


def cells_of(histograms: Sequence[Histogram | None]) -> Cells:
    """object[N]"""
    cells = np.empty(len(histograms), dtype=object)
    cells[:] = histograms
    return cells


@dataclass(frozen=True, slots=True)
class RawHistograms:
    """Histogram samples of a SeriesSet, grouped by series and ascending in time, one sample a timestamp."""

    offsets: NDArray[np.int64]
    """int64[N + 1]: samples of series i are offsets[i]:offsets[i + 1]."""
    timestamps_ms: NDArray[np.int64]
    values: Cells
    """object[S]: Histogram each, staleness markers among them."""

    def stale(self) -> NDArray[np.bool_]:
        """bool[S]: which are staleness markers; their sum says so."""
        return is_stale(np.array([histogram.sum for histogram in self.values], dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of different lengths in one column."""

    offsets: NDArray[np.int64]
    """int64[N + 1]: list i is items[offsets[i]:offsets[i + 1]]."""
    items: NDArray[Any]

    def split(self) -> list[NDArray[Any]]:
        """The lists, as views."""
        return [self.items[start:end] for start, end in pairwise(self.offsets.tolist())]


def lists_of(parts: Sequence[NDArray[Any]], dtype: type) -> Lists:
    """Lists one after the other."""
    offsets = np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)
    return Lists(offsets, np.concatenate([np.empty(0, dtype), *parts]).astype(dtype))


@dataclass(frozen=True, slots=True)
class HistogramColumns:
    """N histograms as columns of equal length."""

    schemas: NDArray[np.int8]
    hints: NDArray[np.uint8]
    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    zero_thresholds: NDArray[np.float64]
    zero_counts: NDArray[np.float64]
    positive_indices: Lists
    positive_counts: Lists
    negative_indices: Lists
    negative_counts: Lists
    custom_bounds: Lists

    def __len__(self) -> int:
        return len(self.counts)

    @classmethod
    def of(cls, histograms: Sequence[Histogram]) -> "HistogramColumns":
        """Columns of these; the inverse of `histograms`."""
        return cls(
            schemas=np.array([one.schema for one in histograms], np.int8),
            hints=np.array([one.hint for one in histograms], np.uint8),
            counts=np.array([one.count for one in histograms], np.float64),
            sums=np.array([one.sum for one in histograms], np.float64),
            zero_thresholds=np.array([one.zero_threshold for one in histograms], np.float64),
            zero_counts=np.array([one.zero_count for one in histograms], np.float64),
            positive_indices=lists_of([one.positive.indices for one in histograms], np.int64),
            positive_counts=lists_of([one.positive.counts for one in histograms], np.float64),
            negative_indices=lists_of([one.negative.indices for one in histograms], np.int64),
            negative_counts=lists_of([one.negative.counts for one in histograms], np.float64),
            custom_bounds=lists_of([one.custom_bounds for one in histograms], np.float64),
        )

    def histograms(self) -> list[Histogram]:
        """The histograms, sharing these columns."""
        positive = map(Buckets, self.positive_indices.split(), self.positive_counts.split())
        negative = map(Buckets, self.negative_indices.split(), self.negative_counts.split())
        return list(
            map(
                Histogram,
                self.schemas.tolist(),
                self.counts.tolist(),
                self.sums.tolist(),
                self.zero_thresholds.tolist(),
                self.zero_counts.tolist(),
                positive,
                negative,
                self.custom_bounds.split(),
                map(ResetHint, self.hints.tolist()),
            )
        )


@dataclass(frozen=True, slots=True)
class HistogramBatch:
    """Histogram samples decoded from one request; keys as in SampleBatch, and of the same key spaces."""

    key_space: str
    keys: Sequence[bytes]
    decode_key: Callable[[bytes], Labels]
    key_index: NDArray[np.int64]
    """int64[N]: position in `keys` of each sample's series."""
    timestamps_ms: NDArray[np.int64]
    histograms: Sequence[Histogram]
    metadata: Sequence[MetricMetadata] = field(default=())

    def __len__(self) -> int:
        return len(self.timestamps_ms)


def raw_histograms(rows: Iterable[Sequence[tuple[int, Histogram]]]) -> RawHistograms:
    """Columns of (timestamp_ms, histogram) pairs, one sequence a series, each ascending."""
    listed = [list(row) for row in rows]
    samples = [sample for row in listed for sample in row]
    return RawHistograms(
        np.cumsum([0, *map(len, listed)], dtype=np.int64),
        np.array([timestamp for timestamp, _ in samples], dtype=np.int64),
        cells_of([histogram for _, histogram in samples]),
    )
