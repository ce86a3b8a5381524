"""Remote write 2.0: an uncompressed io.prometheus.write.v2.Request in, columns out.

Labels are numbers of symbols here, and the symbols are others in every request. A series is told again by the bytes
that 1.0 would send of its labels, put together from parts that are made once a request; so both versions share what the
store knows of a series.
Source: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/ and prompb/io/prometheus/write/v2/types.proto
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from collectors.wire.decoded import DecodedSamples, ExemplarRows, HistogramRows, RefusalNotes
from collectors.wire.limits import DecodeLimits
from collectors.wire.native_histograms import decode_histogram
from collectors.wire.protobuf import (
    FIXED64,
    VARINT,
    field_bytes,
    fields,
    message_type,
    parse,
    read_varint,
    signed,
    utf8,
)
from collectors.wire.remote_write import METRIC_TYPES
from collectors.wire.series_labels import KEY_SPACE, decode_series_key, series_text
from telemetry.model.errors import InvalidInput
from telemetry.model.exemplars import Exemplar
from telemetry.model.labels import METRIC_NAME, label_value, labels_from
from telemetry.model.samples import MetricMetadata, SampleBatch

_REQUEST: Final = message_type(
    "Request",
    former=(1, "bytes", "repeated"),  # reserved: where 1.0 has its series
    symbols=(4, "bytes", "repeated"),
    timeseries=(5, "bytes", "repeated"),
)
_SERIES: Final = message_type(
    "TimeSeries",
    labels_refs=(1, "uint32", "repeated"),
    samples=(2, "bytes", "repeated"),
    histograms=(3, "bytes", "repeated"),
    exemplars=(4, "bytes", "repeated"),
    metadata=(5, "bytes", "optional"),
)
_EXEMPLAR: Final = message_type(
    "Exemplar2",
    labels_refs=(1, "uint32", "repeated"),
    value=(2, "double", "optional"),
    timestamp=(3, "int64", "optional"),
)
_METADATA: Final = message_type(
    "Metadata2", type=(1, "uint32", "optional"), help_ref=(3, "uint32", "optional"), unit_ref=(4, "uint32", "optional")
)
_USUAL_BYTES: Final = 16
"""A sample whose time lies between 1971 and 2109: tag, eight bytes of value, tag, six bytes of time."""
_SUFFIXES: Final = {
    "histogram": ("_bucket", "_count", "_sum"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum", "_count", "_sum"),
    "summary": ("_count", "_sum"),
}


def decode_write_request_v2(request: bytes, limits: DecodeLimits) -> DecodedSamples:
    """Samples, native histograms, exemplars and metadata of an uncompressed request.

    A series that cannot be understood is refused by name while the rest is taken. Raises InvalidInput if the message
    itself is broken, LimitExceeded.
    """
    return _Decoder(parse(_REQUEST, request, limits), limits).decode()


class _Decoder:
    def __init__(self, request: Any, limits: DecodeLimits) -> None:
        self._request = request
        self._limits = limits
        self._symbols: list[bytes] = list(request.symbols)
        self._labels: dict[tuple[int, int], bytes] = {}
        self._keys: list[bytes] = []
        self._counts: list[int] = []
        self._samples: list[bytes] = []
        self._histograms = HistogramRows()
        self._exemplars = ExemplarRows()
        self._metadata: dict[bytes, MetricMetadata] = {}
        self._described: set[bytes] = set()
        self._notes = RefusalNotes()

    def decode(self) -> DecodedSamples:
        if self._request.former:
            raise InvalidInput("this is a remote write 1.0 message under the content type of 2.0; nothing was taken")
        if self._symbols and self._symbols[0]:
            raise InvalidInput("the first symbol of a remote write 2.0 request is the empty text")
        for message in self._request.timeseries:
            self._series(parse(_SERIES, message, self._limits))
        metadata = tuple(self._metadata.values())
        return DecodedSamples(
            self._batch(metadata),
            self._notes.all(),
            self._histograms.batch(KEY_SPACE, decode_series_key),
            self._exemplars.batch(KEY_SPACE, decode_series_key),
        )

    def _series(self, series: Any) -> None:
        number = len(series.samples)
        try:
            key = self._key(series.labels_refs)
        except InvalidInput as error:
            self._notes.add("invalid_labels", str(error), max(1, number + len(series.histograms)))
            return
        if number:
            self._keys.append(key)
            self._counts.append(number)
            self._samples += series.samples
            if len(self._samples) > self._limits.max_samples:
                self._limits.check_samples(len(self._samples))
        for message in series.histograms:
            self._histogram(key, message)
        for message in series.exemplars:
            self._exemplar(key, message)
        if series.metadata:
            self._describe(key, series.metadata)

    def _key(self, references: Any) -> bytes:
        """Label fields as 1.0 writes them. Raises InvalidInput for references that lead nowhere."""
        numbers = tuple(references)
        if len(numbers) % 2:
            raise InvalidInput(f"a series has the odd number of {len(numbers)} label references")
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        known = self._labels
        try:
            return b"".join([known[pair] for pair in pairs])
        except KeyError:
            return b"".join([self._label(*pair) for pair in pairs])

    def _label(self, name: int, value: int) -> bytes:
        label = self._labels.get((name, value))
        if label is None:
            content = field_bytes(1, self._symbol(name)) + field_bytes(2, self._symbol(value))
            label = self._labels[name, value] = field_bytes(1, content)
        return label

    def _symbol(self, reference: int) -> bytes:
        if reference >= len(self._symbols):
            raise InvalidInput(f"a label refers to symbol {reference}, and there are {len(self._symbols)}")
        return self._symbols[reference]

    def _histogram(self, key: bytes, message: bytes) -> None:
        try:
            self._histograms.add(key, *decode_histogram(message, self._limits))
        except InvalidInput as error:
            self._notes.add("invalid_histogram", f"{_name_of(key)}: {error}")
        if len(self._histograms) > self._limits.max_samples:
            self._limits.check_samples(len(self._histograms))

    def _exemplar(self, key: bytes, message: bytes) -> None:
        try:
            found = parse(_EXEMPLAR, message, self._limits)
            names = [utf8(self._symbol(each), "a label of an exemplar") for each in found.labels_refs]
            labels = labels_from(zip(names[::2], names[1::2], strict=True))
            self._exemplars.add(key, Exemplar(found.timestamp, found.value, labels))
        except (InvalidInput, ValueError) as error:
            self._notes.add("invalid_exemplar", f"{_name_of(key)}: {error}")

    def _describe(self, key: bytes, message: bytes) -> None:
        """Metadata stands beside every series; the family is told once a request."""
        if key in self._described:
            return
        self._described.add(key)
        found = parse(_METADATA, message, self._limits)
        kind = METRIC_TYPES[found.type] if found.type < len(METRIC_TYPES) else METRIC_TYPES[0]
        texts = [utf8(self._symbol(each), "metric metadata") for each in (found.help_ref, found.unit_ref)]
        if kind != METRIC_TYPES[0] or any(texts):
            family = _family(_name_of(key), kind)
            self._metadata.setdefault(family.encode(), MetricMetadata(family, kind, *texts))

    def _batch(self, metadata: tuple[MetricMetadata, ...]) -> SampleBatch:
        timestamps, values = _columns(self._samples)
        return SampleBatch(
            key_space=KEY_SPACE,
            keys=self._keys,
            decode_key=decode_series_key,
            key_index=np.repeat(np.arange(len(self._keys), dtype=np.int64), self._counts),
            timestamps_ms=timestamps,
            values=values,
            metadata=metadata,
        )


_USUAL: Final = np.dtype([("first", "u1"), ("value", "<f8"), ("second", "u1"), ("time", "u1", 6)])
_SHIFTS: Final = np.arange(0, 42, 7, dtype=np.int64)


def _columns(samples: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(timestamps in ms, values), at once where all have the usual shape."""
    joined = b"".join(samples)
    if len(joined) == _USUAL_BYTES * len(samples) and all(len(sample) == _USUAL_BYTES for sample in samples):
        rows = np.frombuffer(joined, _USUAL)
        time = rows["time"]
        ends = (time[:, :5] >= 0x80).all(axis=1) & (time[:, 5] < 0x80)
        if ((rows["first"] == 0x09) & (rows["second"] == 0x10) & ends).all():
            timestamps = ((time & 0x7F).astype(np.int64) << _SHIFTS).sum(axis=1)
            return timestamps, rows["value"].copy()
    pairs = [_sample(sample) for sample in samples]
    timestamps = np.array([timestamp for timestamp, _ in pairs], dtype=np.int64)
    return timestamps, np.frombuffer(b"".join(value for _, value in pairs), "<f8")


def _sample(message: bytes) -> tuple[int, bytes]:
    """(timestamp in ms, the eight bytes of the value): staleness markers stay as they are, bit for bit."""
    timestamp, value = 0, b"\0" * 8
    for number, wire_type, start, end in fields(message):
        if number == 1 and wire_type == FIXED64:
            value = message[start:end]
        elif number == 2 and wire_type == VARINT:
            timestamp = signed(read_varint(message, start)[0])
    return timestamp, value


def _name_of(key: bytes) -> str:
    try:
        labels = decode_series_key(key)
    except InvalidInput as error:
        return str(error)
    return label_value(labels, METRIC_NAME) or series_text(labels)


def _family(name: str, kind: str) -> str:
    """Name of the metric family that a series belongs to."""
    suffix = next((each for each in _SUFFIXES.get(kind, ()) if name.endswith(each)), "")
    return name.removesuffix(suffix)
