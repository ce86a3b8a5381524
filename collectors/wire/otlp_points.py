"""OTLP data points as samples: gauge and sum, histogram, summary."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from collectors.wire.decoded import ExemplarRows, HistogramRows, RefusalNotes
from collectors.wire.limits import DecodeLimits
from collectors.wire.otlp_deltas import DeltaStream, DeltaStreams
from collectors.wire.otlp_exemplars import read_exemplar
from collectors.wire.otlp_series import KEY_SPACE, attributes_part, decode_otlp_key, literal
from collectors.wire.protobuf import message_type, parse
from telemetry.model.errors import InvalidInput
from telemetry.model.exemplars import ExemplarBatch
from telemetry.model.histograms import Histogram, HistogramBatch
from telemetry.model.labels import METRIC_NAME
from telemetry.model.samples import STALE_NAN, MetricMetadata, SampleBatch

_NUMBER: Final = message_type(
    "NumberDataPoint",
    start_time_unix_nano=(2, "fixed64", "optional"),
    time_unix_nano=(3, "fixed64", "optional"),
    as_double=(4, "double", "optional"),
    exemplars=(5, "bytes", "repeated"),
    as_int=(6, "sfixed64", "optional"),
    attributes=(7, "bytes", "repeated"),
    flags=(8, "uint32", "optional"),
)
_HISTOGRAM: Final = message_type(
    "HistogramDataPoint",
    start_time_unix_nano=(2, "fixed64", "optional"),
    time_unix_nano=(3, "fixed64", "optional"),
    count=(4, "fixed64", "optional"),
    sum=(5, "double", "optional"),
    bucket_counts=(6, "fixed64", "repeated"),
    explicit_bounds=(7, "double", "repeated"),
    exemplars=(8, "bytes", "repeated"),
    attributes=(9, "bytes", "repeated"),
    flags=(10, "uint32", "optional"),
)
_SUMMARY: Final = message_type(
    "SummaryDataPoint",
    time_unix_nano=(3, "fixed64", "optional"),
    count=(4, "fixed64", "optional"),
    sum=(5, "double", "optional"),
    quantile_values=(6, "bytes", "repeated"),
    attributes=(7, "bytes", "repeated"),
    flags=(8, "uint32", "optional"),
)
_QUANTILE: Final = message_type("ValueAtQuantile", quantile=(1, "double", "optional"), value=(2, "double", "optional"))
NO_RECORDED_VALUE: Final = 1
_LATEST_MS: Final = (2**63 - 1) // 1_000_000


@dataclass(frozen=True, slots=True)
class Summing:
    """Where deltas of one metric are summed up."""

    streams: DeltaStreams
    key: bytes
    """Sender and metric: with the attributes of a point it names a stream."""


class SampleRows:
    """Collects the samples of one request."""

    def __init__(self, limits: DecodeLimits) -> None:
        self.limits = limits
        self._keys: list[bytes] = []
        self._timestamps: list[int] = []
        self._values: list[float] = []
        self._histograms = HistogramRows()
        self._exemplars = ExemplarRows()
        self.notes = RefusalNotes()
        """Exemplars that were refused."""
        self.summing: Summing | None = None
        """Set while points are deltas."""
        self.latest_ms: int | None = None
        """Latest time since it was last set to None."""

    def add(self, key: bytes, timestamp_ms: int, value: float) -> None:
        """Raises LimitExceeded if it is one sample too many."""
        self._keys.append(key)
        self._timestamps.append(timestamp_ms)
        self._values.append(value)
        if self.latest_ms is None or timestamp_ms > self.latest_ms:
            self.latest_ms = timestamp_ms
        if len(self._keys) > self.limits.max_samples:
            self.limits.check_samples(len(self._keys))

    def adder(self, base: bytes, point: "_Point") -> Callable[[bytes, float], None]:
        """add(rest of the key, value) for one data point; a point without a recorded value gives markers instead."""
        timestamp_ms = _timestamp_ms(point)
        attributes = base + attributes_part(point.attributes)
        stale = point.flags & NO_RECORDED_VALUE
        if self.summing is not None and not stale:
            return self._summing(self.summing, attributes, point, timestamp_ms)

        def add(rest: bytes, value: float) -> None:
            self.add(attributes + rest, timestamp_ms, STALE_NAN if stale else value)

        return add

    def _summing(
        self, summing: "Summing", attributes: bytes, point: "_Point", timestamp_ms: int
    ) -> Callable[[bytes, float], None]:
        """As `adder`, for deltas: what is added are their totals. Raises DeltaRefused."""
        stream, zero_ms = _opened(summing, attributes, point)

        def add(rest: bytes, value: float) -> None:
            if zero_ms is not None:
                self.add(attributes + rest, zero_ms, 0.0)
            self.add(attributes + rest, timestamp_ms, stream.total(rest, value))

        return add

    def add_histogram(self, base: bytes, point: "_Point", name: str, histogram: Histogram) -> None:
        """Add the native histogram of one data point. Raises DeltaRefused."""
        timestamp_ms, attributes = _timestamp_ms(point), base + attributes_part(point.attributes)
        if self.summing is not None and not point.flags & NO_RECORDED_VALUE:
            stream, zero_ms = _opened(self.summing, attributes, point)
            histogram = stream.histogram_total(histogram)
            if zero_ms is not None:
                empty = Histogram(histogram.schema, 0.0, 0.0, histogram.zero_threshold)
                self._histograms.add(attributes + _name(name), zero_ms, empty)
        self._histograms.add(attributes + _name(name), timestamp_ms, histogram)
        self.latest_ms = timestamp_ms if self.latest_ms is None else max(self.latest_ms, timestamp_ms)
        if len(self._histograms) > self.limits.max_samples:
            self.limits.check_samples(len(self._histograms))

    def add_exemplars(self, base: bytes, point: "_Point", series_of: Callable[[float], bytes]) -> None:
        """Add the exemplars of one data point; `series_of` gives the rest of the key for the value of one."""
        if not point.exemplars:
            return
        key = base + attributes_part(point.attributes)
        for data in point.exemplars:
            try:
                exemplar = read_exemplar(data, self.limits, _timestamp_ms(point))
            except InvalidInput as error:
                self.notes.add("invalid_exemplar", f"an exemplar was refused: {error}")
                continue
            self._exemplars.add(key + series_of(exemplar.value), exemplar)
            self.limits.check_samples(len(self._exemplars))

    def exemplars(self) -> ExemplarBatch | None:
        """Exemplars, if there are any."""
        return self._exemplars.batch(KEY_SPACE, decode_otlp_key)

    def histograms(self) -> HistogramBatch | None:
        """Native histograms, if there are any."""
        return self._histograms.batch(KEY_SPACE, decode_otlp_key)

    def batch(self, metadata: tuple[MetricMetadata, ...]) -> SampleBatch:
        return SampleBatch(
            key_space=KEY_SPACE,
            keys=self._keys,
            decode_key=decode_otlp_key,
            key_index=np.arange(len(self._keys), dtype=np.int64),
            timestamps_ms=np.array(self._timestamps, dtype=np.int64),
            values=np.array(self._values, dtype=np.float64),
            metadata=metadata,
        )


class _Point:
    """What all data points have."""

    start_time_unix_nano: int
    time_unix_nano: int
    attributes: list[bytes]
    exemplars: list[bytes]
    flags: int


def _timestamp_ms(point: _Point) -> int:
    return min(point.time_unix_nano // 1_000_000, _LATEST_MS)


def _opened(summing: Summing, attributes: bytes, point: _Point) -> tuple[DeltaStream, int | None]:
    """The stream of a delta point, and the time at which its total is to begin with zero. Raises DeltaRefused."""
    start_ns = point.start_time_unix_nano
    shape = tuple(getattr(point, "explicit_bounds", ()))
    stream = summing.streams.open(summing.key + attributes, shape, start_ns, point.time_unix_nano)
    zero_ms = start_ns // 1_000_000 + 1  # not at the start itself, where the total before a restart may stand
    return stream, zero_ms if stream.begins and start_ns and zero_ms < _timestamp_ms(point) else None


def number_rows(rows: SampleRows, identity: bytes, name: str, data: bytes) -> str:
    """Add the sample of an encoded NumberDataPoint; what is wrong with it, '' if nothing."""
    point = parse(_NUMBER, data, rows.limits)
    has_double = point.HasField("as_double")
    if not (has_double or point.HasField("as_int") or point.flags & NO_RECORDED_VALUE):
        return "has no value"
    value = point.as_double if has_double else float(point.as_int)
    rows.adder(identity, point)(_name(name), value)
    rows.add_exemplars(identity, point, lambda _: _name(name))
    return ""


def histogram_rows(rows: SampleRows, identity: bytes, name: str, data: bytes) -> str:
    """Add `_bucket`, `_sum` and `_count` of an encoded HistogramDataPoint; what is wrong with it, '' if nothing."""
    point = parse(_HISTOGRAM, data, rows.limits)
    counts, bounds = list(point.bucket_counts), list(point.explicit_bounds)
    if counts and len(counts) != len(bounds) + 1:
        return f"has {len(counts)} buckets and {len(bounds)} bounds"
    if bounds != sorted(set(bounds)):
        return "has bounds that do not rise"
    add = rows.adder(identity, point)
    cumulative = 0
    for bound, count in zip(bounds, counts, strict=False):
        cumulative += count
        if bound != float("inf"):
            add(_bucket(name, bound), float(cumulative))
    add(_bucket(name, float("inf")), float(point.count))
    add(_name(f"{name}_count"), float(point.count))
    if point.HasField("sum"):
        add(_name(f"{name}_sum"), point.sum)
    rows.add_exemplars(identity, point, lambda value: _bucket(name, _bound_of(value, bounds)))
    return ""


def _bound_of(value: float, bounds: list[float]) -> float:
    """The bound of the bucket that `value` fell into."""
    return bounds[at] if (at := bisect_left(bounds, value)) < len(bounds) else float("inf")


def summary_rows(rows: SampleRows, identity: bytes, name: str, data: bytes) -> str:
    """Add quantiles, `_sum` and `_count` of an encoded SummaryDataPoint; what is wrong with it, '' if nothing."""
    point = parse(_SUMMARY, data, rows.limits)
    add = rows.adder(identity, point)
    for encoded in point.quantile_values:
        quantile = parse(_QUANTILE, encoded, rows.limits)
        add(_quantile(name, quantile.quantile), quantile.value)
    add(_name(f"{name}_count"), float(point.count))
    add(_name(f"{name}_sum"), point.sum)
    return ""


@lru_cache(maxsize=20_000)
def _name(name: str) -> bytes:
    return literal(METRIC_NAME, name)


@lru_cache(maxsize=50_000)
def _bucket(name: str, bound: float) -> bytes:
    return literal(METRIC_NAME, f"{name}_bucket") + literal("le", number_text(bound))


@lru_cache(maxsize=20_000)
def _quantile(name: str, quantile: float) -> bytes:
    return literal(METRIC_NAME, name) + literal("quantile", number_text(quantile))


def number_text(number: float) -> str:
    """A bound as Prometheus writes it: the shortest digits, no exponent, `+Inf`."""
    if np.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return np.format_float_positional(number, trim="-")
