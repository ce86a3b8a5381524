"""Metrics pages in protobuf: length-delimited MetricFamily messages, rewritten as text beside native histograms.

As text a page takes the same way as every other one; numbers are written with all their digits.
Source: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import numpy as np

from collectors.wire.exposition_exemplars import ExemplarText
from collectors.wire.limits import DecodeLimits
from collectors.wire.native_histograms import checked, histogram_of
from collectors.wire.protobuf import message_type, parse, read_varint, utf8
from telemetry.model.errors import InvalidInput
from telemetry.model.histograms import Histogram, ResetHint
from telemetry.model.labels import METRIC_NAME

_FAMILY: Final = message_type(
    "MetricFamily",
    metric=(1, "bytes", "optional"),
    help=(2, "bytes", "optional"),
    type=(3, "int32", "optional"),
    metrics=(4, "bytes", "repeated"),
    unit=(5, "bytes", "optional"),
)
_METRIC: Final = message_type(
    "Metric",
    labels=(1, "bytes", "repeated"),
    gauge=(2, "bytes", "optional"),
    counter=(3, "bytes", "optional"),
    summary=(4, "bytes", "optional"),
    untyped=(5, "bytes", "optional"),
    timestamp_ms=(6, "int64", "optional"),
    histogram=(7, "bytes", "optional"),
)
_LABEL: Final = message_type("LabelPair", key=(1, "bytes", "optional"), value=(2, "bytes", "optional"))
_NUMBER: Final = message_type("Counter", value=(1, "double", "optional"), exemplar=(2, "bytes", "optional"))
_SUMMARY: Final = message_type(
    "Summary", count=(1, "uint64", "optional"), sum=(2, "double", "optional"), quantiles=(3, "bytes", "repeated")
)
_QUANTILE: Final = message_type("Quantile", quantile=(1, "double", "optional"), value=(2, "double", "optional"))
_HISTOGRAM: Final = message_type(
    "ClientHistogram",
    count_int=(1, "uint64", "optional"),
    sum=(2, "double", "optional"),
    buckets=(3, "bytes", "repeated"),
    count_float=(4, "double", "optional"),
    schema=(5, "sint32", "optional"),
    zero_threshold=(6, "double", "optional"),
    zero_count_int=(7, "uint64", "optional"),
    zero_count_float=(8, "double", "optional"),
    negative_spans=(9, "bytes", "repeated"),
    negative_deltas=(10, "sint64", "repeated"),
    negative_counts=(11, "double", "repeated"),
    positive_spans=(12, "bytes", "repeated"),
    positive_deltas=(13, "sint64", "repeated"),
    positive_counts=(14, "double", "repeated"),
    exemplars=(16, "bytes", "repeated"),
)
_BUCKET: Final = message_type(
    "Bucket",
    count_int=(1, "uint64", "optional"),
    bound=(2, "double", "optional"),
    exemplar=(3, "bytes", "optional"),
    count_float=(4, "double", "optional"),
)
_EXEMPLAR: Final = message_type(
    "ClientExemplar",
    labels=(1, "bytes", "repeated"),
    value=(2, "double", "optional"),
    timestamp=(3, "bytes", "optional"),
)
_TIMESTAMP: Final = message_type("Timestamp", seconds=(1, "int64", "optional"), nanos=(2, "int32", "optional"))

_SUMMARY_TYPE: Final = 2
_HISTOGRAM_TYPE: Final = 4
_GAUGE_HISTOGRAM_TYPE: Final = 5
_TYPES: Final = ("counter", "gauge", "summary", "unknown", "histogram", "gaugehistogram")
_FIELDS: Final = ("counter", "gauge", "summary", "untyped", "histogram", "histogram")
"""Field of a Metric that a family of each type has."""

Labels = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HistogramText:
    """A native histogram under its series as a page would write it."""

    series: bytes
    histogram: Histogram
    timestamp_ms: int | None = None


@dataclass(slots=True)
class ProtobufPage:
    """A page taken apart."""

    lines: list[str] = field(default_factory=list)
    exemplars: list[ExemplarText] = field(default_factory=list)
    histograms: list[HistogramText] = field(default_factory=list)

    @property
    def text(self) -> bytes:
        """Everything but native histograms and exemplars in Prometheus text format."""
        return "".join(f"{line}\n" for line in self.lines).encode()


def read_protobuf_page(
    page: bytes, limits: DecodeLimits, *, native: bool = True, classic: bool = False
) -> ProtobufPage:
    """All families of `page`.

    Histograms that have native buckets are taken as such if `native`, and their classic buckets only if `classic` or
    not `native`. Raises InvalidInput for a broken page, LimitExceeded.
    """
    reader = _Reader(limits, native=native, classic=classic)
    for message in _delimited(page, limits):
        reader.family(message)
    return reader.page


def _delimited(page: bytes, limits: DecodeLimits) -> Iterator[bytes]:
    position = count = 0
    while position < len(page):
        length, start = read_varint(page, position)
        position = start + length
        if position > len(page):
            raise InvalidInput(f"the page is cut: a family of {length} bytes has {len(page) - start}")
        count += 1
        limits.check_parts(count)
        yield page[start:position]


class _Reader:
    def __init__(self, limits: DecodeLimits, *, native: bool, classic: bool) -> None:
        self.page = ProtobufPage()
        self._limits = limits
        self._native = native
        self._classic = classic

    def family(self, data: bytes) -> None:
        found = parse(_FAMILY, data, self._limits)
        name = utf8(found.metric, "a metric name")
        if not 0 <= found.type < len(_TYPES):
            raise InvalidInput(f"{name} has the unknown type {found.type}")
        self._comments(name, found)
        for data_of_metric in found.metrics:
            metric = parse(_METRIC, data_of_metric, self._limits)
            self._metric(name, found.type, metric)
            self._limits.check_samples(len(self.page.lines) + len(self.page.histograms))

    def _comments(self, name: str, found: Any) -> None:
        shown = name if name.isascii() and name.replace(":", "_").isidentifier() else _quoted(name)
        said = utf8(found.help, f"the help of {name}").replace("\\", "\\\\").replace("\n", "\\n")
        unit = utf8(found.unit, f"the unit of {name}")
        self.page.lines.append(f"# TYPE {shown} {_TYPES[found.type]}")
        self.page.lines += [f"# HELP {shown} {said}"] if said else []
        self.page.lines += [f"# UNIT {shown} {unit}"] if unit else []

    def _metric(self, name: str, kind: int, metric: Any) -> None:
        labels = self._labels(metric.labels)
        at = f" {metric.timestamp_ms}" if metric.HasField("timestamp_ms") else ""
        body = getattr(metric, _FIELDS[kind])
        if not metric.HasField(_FIELDS[kind]):
            raise InvalidInput(f"{name} is a {_TYPES[kind]} and has a metric that is none")
        if kind == _SUMMARY_TYPE:
            self._summary(name, labels, parse(_SUMMARY, body, self._limits), at)
        elif kind in (_HISTOGRAM_TYPE, _GAUGE_HISTOGRAM_TYPE):
            self._histogram(name, kind, labels, metric, at)
        else:
            number = parse(_NUMBER, body, self._limits)
            self._line(name, labels, number.value, at)
            self._exemplar(name, labels, number.exemplar)

    def _summary(self, name: str, labels: Labels, found: Any, at: str) -> None:
        self._line(f"{name}_count", labels, float(found.count), at)
        self._line(f"{name}_sum", labels, found.sum, at)
        for data in found.quantiles:
            quantile = parse(_QUANTILE, data, self._limits)
            self._line(name, [*labels, ("quantile", bound_text(quantile.quantile))], quantile.value, at)

    def _histogram(self, name: str, kind: int, labels: Labels, metric: Any, at: str) -> None:
        found = parse(_HISTOGRAM, metric.histogram, self._limits)
        if not self._native or not _is_native(found):
            self._buckets(name, labels, found, at)
            return
        is_float = found.count_float > 0 or found.zero_count_float > 0
        histogram = histogram_of(found, is_float=is_float)
        hint = ResetHint.GAUGE if kind == _GAUGE_HISTOGRAM_TYPE else ResetHint.UNKNOWN
        timestamp_ms = metric.timestamp_ms if at else None
        series = _series(name, labels).encode()
        self.page.histograms.append(HistogramText(series, checked(replace(histogram, hint=hint)), timestamp_ms))
        for exemplar in found.exemplars:
            self._exemplar(name, labels, exemplar)
        if self._classic and found.buckets:
            self._buckets(name, labels, found, at)

    def _buckets(self, name: str, labels: Labels, found: Any, at: str) -> None:
        count = found.count_float or float(found.count_int)
        self._line(f"{name}_count", labels, count, at)
        self._line(f"{name}_sum", labels, found.sum, at)
        bound = -math.inf
        for data in found.buckets:
            bucket = parse(_BUCKET, data, self._limits)
            bound = bucket.bound
            with_bound = [*labels, ("le", bound_text(bound))]
            self._line(f"{name}_bucket", with_bound, bucket.count_float or float(bucket.count_int), at)
            self._exemplar(f"{name}_bucket", with_bound, bucket.exemplar)
        if bound != math.inf:
            self._line(f"{name}_bucket", [*labels, ("le", "+Inf")], count, at)

    def _line(self, name: str, labels: Labels, value: float, at: str) -> None:
        self.page.lines.append(f"{_series(name, labels)} {value!r}{at}")

    def _exemplar(self, name: str, labels: Labels, data: bytes) -> None:
        if not data:
            return
        found = parse(_EXEMPLAR, data, self._limits)
        text = f"{_series('', self._labels(found.labels)) or '{}'} {found.value!r}"
        if found.HasField("timestamp"):
            time = parse(_TIMESTAMP, found.timestamp, self._limits)
            text += f" {time.seconds}.{time.nanos:09d}"
        self.page.exemplars.append(ExemplarText(_series(name, labels).encode(), text.encode()))

    def _labels(self, encoded: Any) -> Labels:
        pairs = [parse(_LABEL, data, self._limits) for data in encoded]
        return [(utf8(pair.key, "a label name"), utf8(pair.value, "the value of a label")) for pair in pairs]


def _is_native(found: Any) -> bool:
    """As Prometheus tells: by its zero bucket or by spans, an empty one among them."""
    zero = found.zero_threshold > 0 or found.zero_count_int > 0 or found.zero_count_float > 0
    return bool(zero or found.positive_spans or found.negative_spans)


def _series(name: str, labels: Labels) -> str:
    """`name{label="value"}`; a name that needs quotes stands between the braces."""
    plain = not name or (name.isascii() and name.replace(":", "_").isidentifier())
    pairs = [f"{_label_name(label)}={_quoted(value)}" for label, value in labels if label != METRIC_NAME]
    inside = ",".join(pairs if plain else [_quoted(name), *pairs])
    return f"{name if plain else ''}{{{inside}}}" if inside else name


def _label_name(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else _quoted(name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@lru_cache(maxsize=20_000)
def bound_text(bound: float) -> str:
    """A bound or quantile as OpenMetrics has it, and Prometheus in its labels: `1.0`, `0.005`, `1e+06`, `+Inf`."""
    if math.isnan(bound):
        return "NaN"
    if math.isinf(bound):
        return "+Inf" if bound > 0 else "-Inf"
    if bound == 0:
        return "0.0"
    exact = Decimal(repr(bound)).normalize()
    exponent = exact.adjusted()
    if -4 <= exponent < 6:
        text = np.format_float_positional(bound, trim="-")
        return text if "." in text else f"{text}.0"
    digits = "".join(map(str, exact.as_tuple().digits))
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{'-' if bound < 0 else ''}{mantissa}e{exponent:+03d}"
