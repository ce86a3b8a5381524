"""Native histograms of remote write, v1 and v2 alike: an encoded Histogram message in, a value out.

Source: message Histogram in prompb/types.proto and prompb/io/prometheus/write/v2/types.proto of Prometheus.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from collectors.wire.limits import DecodeLimits
from collectors.wire.protobuf import VARINT, fields, message_type, parse, read_varint
from telemetry.model.errors import InvalidInput
from telemetry.model.histograms import (
    CUSTOM_SCHEMA,
    HIGHEST_SCHEMA,
    LOWEST_SCHEMA,
    NO_BUCKETS,
    Buckets,
    Histogram,
    ResetHint,
    reduced,
)
from telemetry.model.samples import is_stale

_HISTOGRAM: Final = message_type(
    "Histogram",
    count_int=(1, "uint64", "optional"),
    count_float=(2, "double", "optional"),
    sum=(3, "double", "optional"),
    schema=(4, "sint32", "optional"),
    zero_threshold=(5, "double", "optional"),
    zero_count_int=(6, "uint64", "optional"),
    zero_count_float=(7, "double", "optional"),
    negative_spans=(8, "bytes", "repeated"),
    negative_deltas=(9, "sint64", "repeated"),
    negative_counts=(10, "double", "repeated"),
    positive_spans=(11, "bytes", "repeated"),
    positive_deltas=(12, "sint64", "repeated"),
    positive_counts=(13, "double", "repeated"),
    reset_hint=(14, "uint32", "optional"),
    timestamp=(15, "int64", "optional"),
    custom_values=(16, "double", "repeated"),
)
_FINEST_SCHEMA: Final = 52
"""Exponential schemas up to here are defined; those above 8 are stored at 8."""
_FARTHEST: Final = 2**31


def decode_histogram(message: bytes, limits: DecodeLimits) -> tuple[int, Histogram]:
    """(timestamp_ms, histogram) of an encoded Histogram with integer or float counts.

    Counts of a resolution finer than schema 8 are added up to schema 8. Raises InvalidInput for a broken message or
    for buckets that contradict each other.
    """
    found = parse(_HISTOGRAM, message, limits)
    is_float = found.HasField("count_float") or bool(found.positive_counts or found.negative_counts)
    histogram = histogram_of(found, is_float=is_float)
    hint = ResetHint(found.reset_hint) if found.reset_hint <= ResetHint.GAUGE else ResetHint.UNKNOWN
    custom = np.array(found.custom_values, np.float64)
    return found.timestamp, checked(replace(histogram, custom_bounds=custom, hint=hint))


def histogram_of(found: Any, *, is_float: bool) -> Histogram:
    """The histogram of a message that names its fields as remote write does, unchecked."""
    return Histogram(
        schema=found.schema,
        count=found.count_float if is_float else float(found.count_int),
        sum=found.sum,
        zero_threshold=found.zero_threshold,
        zero_count=found.zero_count_float if is_float else float(found.zero_count_int),
        positive=_buckets("positive", found.positive_spans, _counts(found, "positive", is_float=is_float)),
        negative=_buckets("negative", found.negative_spans, _counts(found, "negative", is_float=is_float)),
    )


def checked(histogram: Histogram) -> Histogram:
    """The histogram, at a schema of at most 8. Raises InvalidInput naming what cannot be."""
    schema = histogram.schema
    if schema == CUSTOM_SCHEMA:
        _check_custom(histogram)
    elif not LOWEST_SCHEMA <= schema <= _FINEST_SCHEMA:
        raise InvalidInput(f"a native histogram has the unknown schema {schema}; known are -4 to 8, and -53")
    elif len(histogram.custom_bounds):
        raise InvalidInput(f"a native histogram of the exponential schema {schema} has custom bounds")
    _check_counts(histogram)
    return histogram if schema <= HIGHEST_SCHEMA else reduced(histogram, HIGHEST_SCHEMA)


def _check_custom(histogram: Histogram) -> None:
    bounds, indices = histogram.custom_bounds, histogram.positive.indices
    if not np.isfinite(bounds).all() or (bounds[1:] <= bounds[:-1]).any():
        raise InvalidInput("the custom bounds of a native histogram do not rise, or are not finite")
    if len(histogram.negative) or histogram.zero_count or histogram.zero_threshold:
        raise InvalidInput("a native histogram with custom bounds has negative buckets or a zero bucket")
    if len(indices) and (indices[0] < 0 or indices[-1] > len(bounds)):
        raise InvalidInput(
            f"bucket {indices[-1] if indices[0] >= 0 else indices[0]} of a native histogram is not one of its "
            f"{len(bounds) + 1} custom buckets"
        )


def _check_counts(histogram: Histogram) -> None:
    if is_stale(np.array([histogram.sum]))[0]:
        return
    for counts in (
        np.array([histogram.count, histogram.zero_count]),
        histogram.positive.counts,
        histogram.negative.counts,
    ):
        if len(counts) and not (counts >= 0).all():
            raise InvalidInput(f"a native histogram has the negative count {counts[~(counts >= 0)][0]:g}")


def _counts(found: Any, side: str, *, is_float: bool) -> NDArray[np.float64]:
    if is_float:
        return np.array(getattr(found, f"{side}_counts"), np.float64)
    deltas = np.array(getattr(found, f"{side}_deltas"), np.int64)
    return np.cumsum(deltas).astype(np.float64)


def _buckets(side: str, spans: Sequence[bytes], counts: NDArray[np.float64]) -> Buckets:
    if not spans and not len(counts):
        return NO_BUCKETS
    pairs = [_span(span) for span in spans]
    length = sum(length for _, length in pairs)
    if length != len(counts):
        raise InvalidInput(f"{side} spans of a native histogram need {length} buckets, and there are {len(counts)}")
    return Buckets(indices_of(pairs), counts)


def indices_of(spans: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Bucket indices of (offset, length) spans: the first offset is an index, later ones are gaps.

    Raises InvalidInput for a gap below zero or an index beyond 32 bits.
    """
    runs: list[NDArray[np.int64]] = []
    position = 0
    for number, (offset, length) in enumerate(spans):
        if number and offset < 0:
            raise InvalidInput(f"a span of a native histogram has the negative offset {offset}")
        start, position = position + offset, position + offset + length
        if not -_FARTHEST <= start <= position <= _FARTHEST:
            raise InvalidInput(f"bucket {position} of a native histogram is beyond the 32 bits that indices have")
        runs.append(np.arange(start, position, dtype=np.int64))
    return np.concatenate(runs)


def _span(message: bytes) -> tuple[int, int]:
    offset = length = 0
    for number, wire_type, start, _ in fields(message):
        if wire_type == VARINT and number == 1:
            value = read_varint(message, start)[0]
            offset = (value >> 1) ^ -(value & 1)
        elif wire_type == VARINT and number == 2:
            length = read_varint(message, start)[0]
    return offset, length
