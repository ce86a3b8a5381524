"""Prometheus remote write v1: an uncompressed WriteRequest in, columns out.

Source: https://prometheus.io/docs/specs/prw/remote_write_spec/ and prompb/types.proto of Prometheus.
"""

import struct
from typing import Final

import numpy as np

from collectors.wire.decoded import DecodedSamples, ExemplarRows, HistogramRows, RefusalNotes
from collectors.wire.limits import DecodeLimits
from collectors.wire.native_histograms import decode_histogram
from collectors.wire.protobuf import BYTES, FIXED64, VARINT, field_bytes, fields, read_varint, signed, utf8
from collectors.wire.sample_scan import ScannedSeries, scan
from collectors.wire.series_labels import KEY_SPACE, decode_series_key, read_label, series_text
from telemetry.model.errors import InvalidInput
from telemetry.model.exemplars import Exemplar
from telemetry.model.labels import METRIC_NAME, label_value, labels_from
from telemetry.model.samples import MetricMetadata, SampleBatch

METRIC_TYPES: Final = ("unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset")


def decode_write_request(request: bytes, limits: DecodeLimits) -> DecodedSamples:
    """Samples, native histograms, exemplars and metadata of an uncompressed request.

    Requests of the usual shape cost no Python per sample (`sample_scan`). Keys are the bytes of the label
    fields and may repeat. Raises InvalidInput if the message is broken, LimitExceeded.
    """
    scanned = scan(request, limits)
    if scanned is not None:
        return DecodedSamples(_batch_of(request, scanned))
    usual, rest = _split(request, limits)
    scanned = scan(usual, limits)
    if scanned is None:
        return _GeneralDecoder(request, limits).decode()
    other = _GeneralDecoder(rest, limits).decode()
    batch = _joined(_batch_of(usual, scanned), other.batch)
    return DecodedSamples(batch, other.refusals, other.histograms, other.exemplars)


def _split(request: bytes, limits: DecodeLimits) -> tuple[bytes, bytes]:
    """The series that end in what looks like a sample of the usual shape, and everything else, both as requests."""
    parts: tuple[list[bytes], list[bytes]] = [], []
    begin = 0
    for count, (number, _, start, end) in enumerate(fields(request), 1):
        usual = number == 1 and (
            request.startswith(b"\x12\x10\x09", max(end - 18, start))
            or request.startswith(b"\x12\x07\x10", max(end - 9, start))
        )
        parts[not usual].append(request[begin:end])
        begin = end
        if count > limits.max_parts:
            limits.check_parts(count)
    return b"".join(parts[0]), b"".join(parts[1])


def _joined(first: SampleBatch, second: SampleBatch) -> SampleBatch:
    return SampleBatch(
        key_space=KEY_SPACE,
        keys=[*first.keys, *second.keys],
        decode_key=decode_series_key,
        key_index=np.concatenate((first.key_index, second.key_index + len(first.keys))),
        timestamps_ms=np.concatenate((first.timestamps_ms, second.timestamps_ms)),
        values=np.concatenate((first.values, second.values)),
        metadata=(*first.metadata, *second.metadata),
    )


def _batch_of(request: bytes, scanned: ScannedSeries) -> SampleBatch:
    bounds = zip(scanned.label_starts.tolist(), scanned.label_ends.tolist(), strict=True)
    keys = [request[start:end] for start, end in bounds]
    one_each = len(keys) == len(scanned.values)
    series = np.arange(len(keys), dtype=np.int64)
    return SampleBatch(
        key_space=KEY_SPACE,
        keys=keys,
        decode_key=decode_series_key,
        key_index=series if one_each else np.repeat(series, scanned.counts),
        timestamps_ms=scanned.timestamps_ms,
        values=scanned.values,
    )


class _GeneralDecoder:
    """Decodes a request of any shape field by field: some ten microseconds a series, and every legal message."""

    def __init__(self, request: bytes, limits: DecodeLimits) -> None:
        self._request = request
        self._limits = limits
        self._keys: list[bytes] = []
        self._counts: list[int] = []
        self._timestamps: list[int] = []
        self._values = bytearray()
        self._metadata: list[MetricMetadata] = []
        self._notes = RefusalNotes()
        self._histograms = HistogramRows()
        self._exemplars = ExemplarRows()

    def decode(self) -> DecodedSamples:
        parts = 0
        for number, wire_type, start, end in fields(self._request):
            parts += 1
            if number == 1 and wire_type == BYTES:
                parts += self._series(start, end)
            elif number == 3 and wire_type == BYTES:
                self._metadata.append(_metadata(self._request[start:end]))
            if parts > self._limits.max_parts:
                self._limits.check_parts(parts)
        histograms = self._histograms.batch(KEY_SPACE, decode_series_key)
        exemplars = self._exemplars.batch(KEY_SPACE, decode_series_key)
        return DecodedSamples(self._batch(), self._notes.all(), histograms, exemplars)

    def _series(self, start: int, end: int) -> int:
        """Take one TimeSeries in; how many fields it had."""
        labels: list[bytes] = []
        before = len(self._timestamps)
        histograms: list[tuple[int, int]] = []
        exemplars: list[tuple[int, int]] = []
        parts = 0
        for number, wire_type, begin, stop in fields(self._request, start, end):
            parts += 1
            if wire_type != BYTES:
                continue
            if number == 1:
                labels.append(field_bytes(1, self._request[begin:stop]))
            elif number == 2:
                self._sample(begin, stop)
            elif number == 3:
                exemplars.append((begin, stop))
            elif number == 4:
                histograms.append((begin, stop))
        key = b"".join(labels)
        self._keys.append(key)
        self._counts.append(len(self._timestamps) - before)
        for begin, stop in exemplars:
            self._exemplar(key, begin, stop)
        for begin, stop in histograms:
            self._histogram(key, begin, stop)
        return parts

    def _sample(self, start: int, end: int) -> None:
        value, timestamp = b"\0" * 8, 0
        for number, wire_type, begin, stop in fields(self._request, start, end):
            if number == 1 and wire_type == FIXED64:
                value = self._request[begin:stop]
            elif number == 2 and wire_type == VARINT:
                timestamp = signed(read_varint(self._request, begin)[0])
        self._values += value
        self._timestamps.append(timestamp)
        if len(self._timestamps) > self._limits.max_samples:
            self._limits.check_samples(len(self._timestamps))

    def _histogram(self, key: bytes, start: int, end: int) -> None:
        try:
            self._histograms.add(key, *decode_histogram(self._request[start:end], self._limits))
        except InvalidInput as error:
            self._notes.add("invalid_histogram", f"{_name_of(key)}: {error}")
        if len(self._histograms) > self._limits.max_samples:
            self._limits.check_samples(len(self._histograms))

    def _exemplar(self, key: bytes, start: int, end: int) -> None:
        try:
            self._exemplars.add(key, _exemplar(self._request, start, end))
        except InvalidInput as error:
            self._notes.add("invalid_exemplar", f"{_name_of(key)}: {error}")

    def _batch(self) -> SampleBatch:
        return SampleBatch(
            key_space=KEY_SPACE,
            keys=self._keys,
            decode_key=decode_series_key,
            key_index=np.repeat(np.arange(len(self._keys), dtype=np.int64), self._counts),
            timestamps_ms=np.array(self._timestamps, dtype=np.int64),
            values=np.frombuffer(bytes(self._values), dtype="<f8"),
            metadata=tuple(self._metadata),
        )


def _exemplar(request: bytes, start: int, end: int) -> Exemplar:
    pairs, value, timestamp = [], 0.0, 0
    for number, wire_type, begin, stop in fields(request, start, end):
        if number == 1 and wire_type == BYTES:
            pairs.append(read_label(request, begin, stop))
        elif number == 2 and wire_type == FIXED64:
            (value,) = struct.unpack("<d", request[begin:stop])
        elif number == 3 and wire_type == VARINT:
            timestamp = signed(read_varint(request, begin)[0])
    return Exemplar(timestamp, value, labels_from(pairs))


def _name_of(key: bytes) -> str:
    try:
        labels = decode_series_key(key)
    except InvalidInput as error:
        return str(error)
    return label_value(labels, METRIC_NAME) or series_text(labels)


def _metadata(message: bytes) -> MetricMetadata:
    kind = 0
    texts = {2: "", 4: "", 5: ""}
    for number, wire_type, start, end in fields(message):
        if number == 1 and wire_type == VARINT:
            kind = read_varint(message, start)[0]
        elif number in texts and wire_type == BYTES:
            texts[number] = utf8(message[start:end], "metric metadata")
    word = METRIC_TYPES[kind] if kind < len(METRIC_TYPES) else METRIC_TYPES[0]
    return MetricMetadata(metric=texts[2], type=word, help=texts[4], unit=texts[5])
