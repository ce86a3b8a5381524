"""Remote read: what another Prometheus asks of the past, and the samples it gets.

Source: prompb/remote.proto of Prometheus and https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from collectors.wire.limits import DecodeLimits
from collectors.wire.protobuf import field_bytes, message_type, parse, utf8
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels, Matcher, MatchOp
from telemetry.model.samples import RawColumns
from telemetry.model.time import TimeRange

_REQUEST: Final = message_type("ReadRequest", queries=(1, "bytes", "repeated"))
_QUERY: Final = message_type(
    "ReadQuery", start=(1, "int64", "optional"), end=(2, "int64", "optional"), matchers=(3, "bytes", "repeated")
)
_MATCHER: Final = message_type(
    "LabelMatcher", kind=(1, "uint32", "optional"), label=(2, "bytes", "optional"), text=(3, "bytes", "optional")
)
_OPERATORS: Final = (MatchOp.EQUAL, MatchOp.NOT_EQUAL, MatchOp.REGEX, MatchOp.NOT_REGEX)
_SIX_BYTES: Final = (1 << 35, 1 << 42)
"""Timestamps from here to there take six bytes as a varint: the years 1971 to 2109."""


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """One question: series by matchers, both ends of the range included."""

    matchers: tuple[Matcher, ...]
    time_range: TimeRange


def decode_read_request(request: bytes, limits: DecodeLimits) -> list[ReadQuery]:
    """Questions of an uncompressed request. Raises InvalidInput, LimitExceeded."""
    return [_query(message, limits) for message in parse(_REQUEST, request, limits).queries]


def _query(message: bytes, limits: DecodeLimits) -> ReadQuery:
    found = parse(_QUERY, message, limits)
    matchers = tuple(_matcher(each, limits) for each in found.matchers)
    if not matchers:
        raise InvalidInput("a query of remote read has no matcher")
    return ReadQuery(matchers, TimeRange(found.start, found.end))


def _matcher(message: bytes, limits: DecodeLimits) -> Matcher:
    found = parse(_MATCHER, message, limits)
    if found.kind >= len(_OPERATORS):
        raise InvalidInput(f"a matcher of remote read has the unknown type {found.kind}")
    name, value = utf8(found.label, "the name of a matcher"), utf8(found.text, "the value of a matcher")
    return Matcher(name, _OPERATORS[found.kind], value)


def encode_result(labels: Sequence[Labels], columns: RawColumns) -> bytes:
    """One QueryResult, as field 1 of a ReadResponse; series without samples are left out."""
    edges = columns.offsets.tolist()
    series = zip(labels, edges, edges[1:], strict=False)
    return field_bytes(
        1, b"".join(field_bytes(1, _series(each, columns, start, end)) for each, start, end in series if end > start)
    )


def _series(labels: Labels, columns: RawColumns, start: int, end: int) -> bytes:
    pairs = [field_bytes(1, field_bytes(1, name.encode()) + field_bytes(2, value.encode())) for name, value in labels]
    return b"".join([*pairs, _samples(columns, start, end)])


def _samples(columns: RawColumns, start: int, end: int) -> bytes:
    times, values = columns.timestamps_ms[start:end], columns.values[start:end]
    if len(times) and _SIX_BYTES[0] <= times.min() and times.max() < _SIX_BYTES[1]:
        return _usual_samples(times, values)
    return b"".join(_sample(at, value) for at, value in zip(times.tolist(), values, strict=True))


def _usual_samples(times: "np.typing.NDArray[np.int64]", values: "np.typing.NDArray[np.float64]") -> bytes:
    rows = np.zeros(len(times), np.dtype([("head", "u1", 3), ("value", "<f8"), ("tag", "u1"), ("time", "u1", 6)]))
    rows["head"], rows["tag"], rows["value"] = (0x12, 0x10, 0x09), 0x10, values
    for place in range(6):
        rows["time"][:, place] = (times >> 7 * place) & 0x7F | (0x80 if place < 5 else 0)
    return rows.tobytes()


def _sample(timestamp_ms: int, value: "np.float64") -> bytes:
    content = b"\x09" + np.float64(value).tobytes() + b"\x10" + bytes(_varint(timestamp_ms))
    return field_bytes(2, content)


def _varint(value: int) -> Iterator[int]:
    rest = value & 0xFFFFFFFFFFFFFFFF
    while rest > 0x7F:
        yield rest & 0x7F | 0x80
        rest >>= 7
    yield rest
