"""Results as the JSON of the Prometheus API: times as numbers, values as strings."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from telemetry.model.labels import Labels
from telemetry.model.samples import Frame
from telemetry.promql.engine import QueryResult, Samples, ScalarResult
from telemetry.promql.run import Statistics
from telemetry.syntax.numbers import format_float

_EXACT: Final = 2.0**53


def render_instant(result: QueryResult, time_ms: int, limit: int) -> tuple[bytes, bool]:
    """(the object `data` of an instant query but for its closing brace, whether `limit` cut it)."""
    match result.value:
        case str() as text:
            return _data(b"string", b"[%s,%s]" % (time_text(time_ms), to_json(text))), False
        case ScalarResult() as scalar:
            return _data(b"scalar", _point(time_ms, value_texts(scalar.values)[0])), False
        case Samples() as samples:
            return _data(b"matrix", _samples(samples, limit)), _cuts(limit, len(samples.labels))
        case Frame() as frame:
            return _data(b"vector", _vector(frame, time_ms, limit)), _cuts(limit, len(frame.labels))


def render_range(result: QueryResult, limit: int) -> tuple[bytes, bool]:
    """(the object `data` of a range query but for its closing brace, whether `limit` cut it)."""
    match result.value:
        case ScalarResult() as scalar:
            points = _points(map(time_text, scalar.times_ms.tolist()), value_texts(scalar.values))
            return _data(b"matrix", b'[{"metric":{},"values":[%s]}]' % points), False
        case Frame() as frame:
            return _data(b"matrix", _matrix(frame, limit)), _cuts(limit, len(frame.labels))
        case other:
            raise TypeError(f"{type(other).__name__} is no result of a range query")


def _data(kind: bytes, result: bytes) -> bytes:
    return b'{"resultType":"%s","result":%s' % (kind, result)


def _cuts(limit: int, number: int) -> bool:
    return 0 < limit < number


def _shown(labels: Sequence[Labels], limit: int) -> int:
    return min(limit, len(labels)) if limit else len(labels)


def _vector(frame: Frame, time_ms: int, limit: int) -> bytes:
    number = _shown(frame.labels, limit)
    texts = value_texts(frame.values[:number, 0])
    series = (
        b'{"metric":%s,"value":%s}' % (_metric(labels), _point(time_ms, text))
        for labels, text in zip(frame.labels[:number], texts, strict=True)
    )
    return b"[%s]" % b",".join(series)


def _matrix(frame: Frame, limit: int) -> bytes:
    number = _shown(frame.labels, limit)
    present = frame.present[:number]
    texts = value_texts(frame.values[:number][present])
    times = np.array([time_text(time_ms) for time_ms in frame.times_ms.tolist()], dtype=object)
    ends = np.cumsum(present.sum(axis=1)).tolist()
    series: list[bytes] = []
    start = 0
    for row, end in enumerate(ends):
        series.append(_series(frame.labels[row], _points(times[present[row]].tolist(), texts[start:end])))
        start = end
    return b"[%s]" % b",".join(series)


def _samples(samples: Samples, limit: int) -> bytes:
    columns = samples.columns
    texts = value_texts(columns.values)
    times = [time_text(time_ms) for time_ms in columns.timestamps_ms.tolist()]
    edges = columns.offsets.tolist()
    series = (
        _series(labels, _points(times[start:end], texts[start:end]))
        for labels, start, end in zip(samples.labels, edges, edges[1:], strict=False)
    )
    return b"[%s]" % b",".join(list(series)[: _shown(samples.labels, limit)])


def _series(labels: Labels, points: bytes) -> bytes:
    return b'{"metric":%s,"values":[%s]}' % (_metric(labels), points)


def _points(times: Iterable[bytes], texts: Iterable[bytes]) -> bytes:
    return b",".join([b'[%s,"%s"]' % point for point in zip(times, texts, strict=True)])


def _point(time_ms: int, text: bytes) -> bytes:
    return b'[%s,"%s"]' % (time_text(time_ms), text)


def _metric(labels: Labels) -> bytes:
    return to_json(dict(labels))


def time_text(time_ms: int) -> bytes:
    """Seconds with a fraction of three digits where there is one."""
    seconds, rest = divmod(abs(time_ms), 1000)
    sign = "-" if time_ms < 0 else ""
    return f"{sign}{seconds}.{rest:03d}".encode() if rest else f"{sign}{seconds}".encode()


def value_texts(values: NDArray[np.float64]) -> list[bytes]:
    """Text of each value as Go prints it with as many digits as needed and no exponent."""
    if not len(values):
        return []
    finite = np.isfinite(values)
    whole = finite & (np.floor(values) == values) & (np.abs(values) < _EXACT) & ~((values == 0) & np.signbit(values))
    if whole.all():
        return _split(values.astype(np.int64))
    texts = _split(np.where(finite, values, 0.0))
    texts = [text[:-2] if text.endswith(b".0") else text for text in texts]
    odd = ~finite | (np.abs(values) >= 1e15) | (np.abs(values) < 1e-4)
    for index in np.flatnonzero(odd).tolist():
        texts[index] = format_float(float(values[index])).encode()
    return texts


def _split(values: NDArray[Any]) -> list[bytes]:
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


def to_json(value: object) -> bytes:
    """JSON of plain values; what is not Unicode becomes the replacement character."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_valid(value))


def _valid(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_valid(name): _valid(item) for name, item in value.items()}
        case list():
            return [_valid(item) for item in value]
    return value


def render_statistics(statistics: Statistics) -> bytes:
    """The object `stats`, in Prometheus' names; `series` is our own."""
    return orjson.dumps(
        {
            "timings": {"evalTotalTime": statistics.seconds, "execTotalTime": statistics.seconds},
            "samples": {"totalQueryableSamples": statistics.samples, "peakSamples": statistics.points},
            "series": statistics.series,
        }
    )
