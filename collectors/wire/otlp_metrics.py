"""OTLP metrics: an ExportMetricsServiceRequest in protobuf in, samples in the Prometheus model out.

Deltas are summed up by stream where the receiver keeps streams, and refused by name where it does not. Exponential
histograms become native ones.
Sources: opentelemetry/proto/metrics/v1/metrics.proto and
https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus
"""

from collections.abc import Callable
from typing import Final

from collectors.wire.decoded import DecodedSamples, RefusalNotes
from collectors.wire.limits import DecodeLimits
from collectors.wire.otlp_deltas import DeltaRefused
from collectors.wire.otlp_exponential import exponential_rows
from collectors.wire.otlp_names import metric_name
from collectors.wire.otlp_options import PLAIN, OtlpOptions
from collectors.wire.otlp_points import SampleRows, Summing, histogram_rows, number_rows, summary_rows
from collectors.wire.otlp_series import IDENTIFYING, attributes_part, identity, literal, scope_part
from collectors.wire.otlp_values import AttributeReader
from collectors.wire.protobuf import BYTES, VARINT, fields, read_varint, submessages, utf8
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME
from telemetry.model.samples import MetricMetadata

GAUGE: Final = 5
SUM: Final = 7
HISTOGRAM: Final = 9
EXPONENTIAL_HISTOGRAM: Final = 10
SUMMARY: Final = 11
KINDS: Final = (GAUGE, SUM, HISTOGRAM, EXPONENTIAL_HISTOGRAM, SUMMARY)

_SUMMED: Final = (SUM, HISTOGRAM, EXPONENTIAL_HISTOGRAM)
_ROWS: Final = {HISTOGRAM: histogram_rows, EXPONENTIAL_HISTOGRAM: exponential_rows, SUMMARY: summary_rows}
_WORDS: Final = {HISTOGRAM: "histogram", EXPONENTIAL_HISTOGRAM: "histogram", SUMMARY: "summary"}
RowsOf = Callable[[SampleRows, bytes, str, bytes], str]
_METADATA: Final = 12
_DELTA: Final = 1
_CUMULATIVE: Final = 2
_TEMPORALITIES: Final = {0: "no", 1: "delta"}


def decode_otlp_metrics(request: bytes, limits: DecodeLimits, options: OtlpOptions = PLAIN) -> DecodedSamples:
    """Samples of an uncompressed request, with `job`, `instance` and `target_info` from its resources.

    Raises InvalidInput if the message is broken, LimitExceeded.
    """
    decoder = MetricsDecoder(limits, options)
    for resource_metrics in submessages(request, 1, limits):
        resources = submessages(resource_metrics, 1, limits)
        decoder.resource(resources[-1] if resources else b"")
        for scope_metrics in submessages(resource_metrics, 2, limits):
            scopes = submessages(scope_metrics, 1, limits) if options.scope_labels else []
            decoder.scope(scopes[-1] if scopes else b"")
            for metric in submessages(scope_metrics, 2, limits):
                decoder.metric(metric)
        decoder.end_of_resource()
    return decoder.decoded()


class MetricsDecoder:
    """Decodes one request: `resource`, then `metric` for each of its metrics, then `end_of_resource`."""

    def __init__(self, limits: DecodeLimits, options: OtlpOptions = PLAIN) -> None:
        self._limits = limits
        self._options = options
        self._reader = AttributeReader(limits)
        self._rows = SampleRows(limits)
        self._notes = RefusalNotes()
        self._metadata: dict[str, MetricMetadata] = {}
        self._resource: list[bytes] = []
        self._identity = b""
        self._promoted = b""
        self._base = b""
        """Identity of the resource, promoted attributes and scope: part of every series' key."""

    def resource(self, data: bytes) -> None:
        """Everything until `end_of_resource` belongs to this encoded Resource."""
        self._resource = submessages(data, 1, self._limits)
        self._identity = identity(self._reader.labels(self._resource))
        self._rows.latest_ms = None
        chosen = self._options.promotes(self._reader.pair(item)[0] for item in self._resource)
        kept = [item for item, promoted in zip(self._resource, chosen, strict=True) if promoted]
        self._promoted = self._identity + attributes_part(kept)
        self._base = self._promoted

    def scope(self, data: bytes) -> None:
        """Metrics until the next call belong to this encoded InstrumentationScope."""
        self._base = self._promoted
        if data and self._options.scope_labels:
            self._base += scope_part(data, self._reader)

    def metric(self, data: bytes) -> None:
        """Take in an encoded Metric."""
        name, text, unit = "", "", ""
        kind, body = 0, b""
        for number, wire_type, start, end in fields(data):
            if wire_type != BYTES:
                continue
            if number == 1:
                name = utf8(data[start:end], "a metric name")
            elif number == 2:
                text = data[start:end].decode(errors="replace")
            elif number == 3:
                unit = utf8(data[start:end], "a unit")
            elif number != _METADATA:
                kind, body = number, data[start:end]
        if kind:
            self._points(kind, body, MetricMetadata(name, help=text, unit=unit))

    def end_of_resource(self) -> None:
        """Say who sent the samples: one `target_info`, if the resource has more than its identity."""
        further = [item for item in self._resource if self._reader.pair(item)[0] not in IDENTIFYING]
        if further and self._identity and self._rows.latest_ms is not None:
            key = self._identity + attributes_part(further) + literal(METRIC_NAME, "target_info")
            self._rows.add(key, self._rows.latest_ms, 1.0)

    def decoded(self) -> DecodedSamples:
        batch = self._rows.batch(tuple(self._metadata.values()))
        refusals = self._notes.all() + self._rows.notes.all()
        return DecodedSamples(batch, refusals, self._rows.histograms(), self._rows.exemplars())

    def _points(self, kind: int, body: bytes, told: MetricMetadata) -> None:
        points, temporality, monotonic = _content(body, self._limits)
        counter = kind == SUM and monotonic
        try:
            self._check(kind, temporality, told.metric)
            name = metric_name(told.metric, told.unit, counter=counter, gauge=kind == GAUGE)
        except _Refused as refused:
            self._notes.add(refused.reason, str(refused), len(points))
            return
        except InvalidInput as error:
            self._notes.add("invalid_name", str(error), len(points))
            return
        word = _WORDS.get(kind, "counter" if counter else "gauge")
        self._metadata[name] = MetricMetadata(name, word, told.help, told.unit)
        rows_of = _ROWS.get(kind, number_rows)
        if temporality == _DELTA and kind in _SUMMED:
            self._sum_up(points, rows_of, name, told.metric)
            return
        for point in points:
            if problem := rows_of(self._rows, self._base, name, point):
                self._notes.add("invalid_point", f"a data point of {told.metric!r} {problem}")

    def _sum_up(self, points: list[bytes], rows_of: RowsOf, name: str, told: str) -> None:
        """Take in delta points of the metric."""
        streams = self._options.deltas
        if streams is None:
            return
        sender = b"%d:" % len(self._options.sender) + self._options.sender
        self._rows.summing = Summing(streams, sender + literal(METRIC_NAME, name))
        try:
            with streams.lock:
                for point in points:
                    self._add_delta(point, rows_of, name, told)
        finally:
            self._rows.summing = None

    def _add_delta(self, point: bytes, rows_of: RowsOf, name: str, told: str) -> None:
        try:
            problem = rows_of(self._rows, self._base, name, point)
        except DeltaRefused as refused:
            self._notes.add(refused.reason, f"a data point of {told!r} was refused: {refused}")
            return
        if problem:
            self._notes.add("invalid_point", f"a data point of {told!r} {problem}")

    def _check(self, kind: int, temporality: int, name: str) -> None:
        if kind not in KINDS:
            raise _Refused("unknown_kind", f"the metric {name!r} is of a kind that is not known (field {kind})")
        if kind in _SUMMED and temporality != _CUMULATIVE:
            if temporality == _DELTA and self._options.deltas is not None:
                return
            found = _TEMPORALITIES.get(temporality, "an unknown")
            raise _Refused(
                "delta_temporality",
                f"the metric {name!r} has {found} temporality and only cumulative values are stored; "
                "set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative in the sender",
            )


class _Refused(Exception):
    """Why no point of a metric is taken."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _content(body: bytes, limits: DecodeLimits) -> tuple[list[bytes], int, bool]:
    """(data points, temporality, whether monotonic) of an encoded Gauge, Sum, Histogram or Summary."""
    points: list[bytes] = []
    numbers = {2: 0, 3: 0}
    for number, wire_type, start, end in fields(body):
        if number == 1 and wire_type == BYTES:
            points.append(body[start:end])
            if len(points) > limits.max_samples:
                limits.check_samples(len(points))
        elif wire_type == VARINT:
            numbers[number] = read_varint(body, start)[0]
    return points, numbers[2], bool(numbers[3])
