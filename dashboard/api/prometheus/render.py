"""Results as the JSON of the Prometheus API: times as numbers, values as strings."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import orjson

from dashboard.api.prometheus.histogram_json import histogram_json
from dashboard.api.prometheus.texts import time_text, value_texts
from telemetry.model.histograms import Histogram, RawHistograms
from telemetry.model.labels import Labels
from telemetry.model.samples import Frame
from telemetry.promql.engine import QueryResult, Samples, ScalarResult
from telemetry.promql.run import Statistics


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
            points = _points(_starts(scalar.times_ms.tolist()), value_texts(scalar.values))
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
    cells = [None] * number if frame.histograms is None else frame.histograms[:number, 0].tolist()
    series = (
        b'{"metric":%s,"value":%s}' % (_metric(labels), _point(time_ms, text))
        if cell is None
        else b'{"metric":%s,"histogram":%s}' % (_metric(labels), _histogram_point(time_text(time_ms), cell))
        for labels, text, cell in zip(frame.labels[:number], texts, cells, strict=True)
    )
    return b"[%s]" % b",".join(series)


def _matrix(frame: Frame, limit: int) -> bytes:
    number = _shown(frame.labels, limit)
    present, native = frame.present[:number], None
    if frame.histograms is not None:
        native = present & (frame.histograms[:number] != None)  # noqa: E711 - cell by cell
        present = present & ~native
    texts = value_texts(frame.values[:number][present])
    starts = np.array(_starts(frame.times_ms.tolist()), dtype=object)
    ends = np.cumsum(present.sum(axis=1)).tolist()
    series: list[bytes] = []
    start = 0
    for row, end in enumerate(ends):
        points, histograms = _points(starts[present[row]].tolist(), texts[start:end]), b""
        if native is not None and frame.histograms is not None:
            times = map(time_text, frame.times_ms[native[row]].tolist())
            histograms = _histogram_points(times, frame.histograms[row][native[row]].tolist())
        series.append(_series(frame.labels[row], points, histograms))
        start = end
    return b"[%s]" % b",".join(series)


def _samples(samples: Samples, limit: int) -> bytes:
    columns = samples.columns
    texts = value_texts(columns.values)
    starts = _starts(columns.timestamps_ms.tolist())
    points = [_points(starts[start:end], texts[start:end]) for start, end in pairwise(columns.offsets.tolist())]
    histograms = [b""] * len(points) if samples.histograms is None else _histograms(samples.histograms)
    series = map(_series, samples.labels, points, histograms)
    return b"[%s]" % b",".join(list(series)[: _shown(samples.labels, limit)])


def _histograms(columns: RawHistograms) -> list[bytes]:
    times = [time_text(time_ms) for time_ms in columns.timestamps_ms.tolist()]
    values = columns.values.tolist()
    return [_histogram_points(times[start:end], values[start:end]) for start, end in pairwise(columns.offsets.tolist())]


def _series(labels: Labels, points: bytes, histograms: bytes = b"") -> bytes:
    """A series with its float samples, its native histograms, or both."""
    if not histograms:
        return b'{"metric":%s,"values":[%s]}' % (_metric(labels), points)
    values = b'"values":[%s],' % points if points else b""
    return b'{"metric":%s,%s"histograms":[%s]}' % (_metric(labels), values, histograms)


def _histogram_points(times: Iterable[bytes], histograms: Iterable[Histogram]) -> bytes:
    return b",".join(map(_histogram_point, times, histograms))


def _histogram_point(time: bytes, histogram: Histogram) -> bytes:
    return b"[%s,%s]" % (time, histogram_json(histogram))


def _starts(times_ms: Iterable[int]) -> list[bytes]:
    """What stands between two values, with the time of the later one: a row is then one join, not one text a point."""
    return [b'"],[%s,"' % time_text(time_ms) for time_ms in times_ms]


def _points(starts: list[bytes], texts: list[bytes]) -> bytes:
    """`[time,"value"]` and so on; as many `starts` as `texts`."""
    if not texts:
        return b""
    parts = [b""] * (2 * len(texts))
    parts[::2], parts[1::2] = starts, texts
    return b'%s"]' % b"".join(parts)[len(b'"],') :]


def _point(time_ms: int, text: bytes) -> bytes:
    return b'[%s,"%s"]' % (time_text(time_ms), text)


def _metric(labels: Labels) -> bytes:
    return to_json(dict(labels))


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
            "timings": {
                "evalTotalTime": statistics.seconds,
                "resultSortTime": 0,
                "queryPreparationTime": 0,
                "innerEvalTime": statistics.seconds,
                "execQueueTime": 0,
                "execTotalTime": statistics.seconds,
            },
            "samples": {"totalQueryableSamples": statistics.samples, "peakSamples": statistics.points},
            "series": statistics.series,
        }
    )
