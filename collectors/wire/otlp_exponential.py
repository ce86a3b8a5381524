"""OTLP exponential histograms as native histograms.

Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#exponential-histograms
"""

from typing import Final

import numpy as np

from collectors.wire.native_histograms import checked
from collectors.wire.otlp_points import NO_RECORDED_VALUE, SampleRows
from collectors.wire.otlp_series import literal
from collectors.wire.protobuf import message_type, parse
from telemetry.model.errors import InvalidInput
from telemetry.model.histograms import LOWEST_SCHEMA, NO_BUCKETS, Buckets, Histogram
from telemetry.model.labels import METRIC_NAME
from telemetry.model.samples import STALE_NAN

_POINT: Final = message_type(
    "ExponentialHistogramDataPoint",
    attributes=(1, "bytes", "repeated"),
    start_time_unix_nano=(2, "fixed64", "optional"),
    time_unix_nano=(3, "fixed64", "optional"),
    count=(4, "fixed64", "optional"),
    sum=(5, "double", "optional"),
    scale=(6, "sint32", "optional"),
    zero_count=(7, "fixed64", "optional"),
    positive=(8, "bytes", "optional"),
    negative=(9, "bytes", "optional"),
    flags=(10, "uint32", "optional"),
    exemplars=(11, "bytes", "repeated"),
    zero_threshold=(14, "double", "optional"),
)
_BUCKETS: Final = message_type(
    "ExponentialBuckets", offset=(1, "sint32", "optional"), bucket_counts=(2, "uint64", "repeated")
)
_ZERO_THRESHOLD: Final = 1e-128
"""Of points that name none, as Prometheus has it."""


def exponential_rows(rows: SampleRows, identity: bytes, name: str, data: bytes) -> str:
    """Add the native histogram of an encoded ExponentialHistogramDataPoint; what is wrong with it, '' if nothing."""
    point = parse(_POINT, data, rows.limits)
    if point.scale < LOWEST_SCHEMA:
        return f"has the scale {point.scale}; native histograms begin at {LOWEST_SCHEMA}"
    histogram = Histogram(
        schema=point.scale,
        count=float(point.count),
        sum=STALE_NAN if point.flags & NO_RECORDED_VALUE else point.sum,
        zero_threshold=point.zero_threshold or _ZERO_THRESHOLD,
        zero_count=float(point.zero_count),
        positive=_buckets(rows, point.positive),
        negative=_buckets(rows, point.negative),
    )
    try:
        histogram = checked(histogram)
    except InvalidInput as error:
        return f"makes no native histogram: {error}"
    rows.add_histogram(identity, point, name, histogram)
    rows.add_exemplars(identity, point, lambda _: literal(METRIC_NAME, name))
    return ""


def _buckets(rows: SampleRows, data: bytes) -> Buckets:
    """Bucket i of OTLP begins where bucket i of Prometheus ends."""
    found = parse(_BUCKETS, data, rows.limits)
    counts = np.array(found.bucket_counts, np.float64)
    filled = np.flatnonzero(counts)
    return Buckets(filled + found.offset + 1, counts[filled]) if len(filled) else NO_BUCKETS
