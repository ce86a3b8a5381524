"""Results as the JSON of the Loki API: times of lines in nanoseconds as text, times of values in seconds."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from dashboard.api.prometheus.render import to_json
from dashboard.api.prometheus.texts import time_text, value_texts
from telemetry.logql.engine import Lines, QueryResult
from telemetry.logql.entry import Entry
from telemetry.logql.grid import Grid
from telemetry.logql.run import Statistics
from telemetry.logql.values import Vector
from telemetry.model.labels import Labels

CATEGORIZE: Final = "categorize-labels"
_NS_PER_MS: Final = 1_000_000


def render(result: QueryResult, *, categorize: bool) -> bytes:
    """The object `data`."""
    flags = b'"encodingFlags":["%s"],' % CATEGORIZE.encode() if categorize and isinstance(result.value, Lines) else b""
    kind, value = _value(result, categorize=categorize)
    stats = to_json(statistics(result.statistics))
    return b'{"resultType":"%s",%s"result":%s,"stats":%s}' % (kind, flags, value, stats)


def _value(result: QueryResult, *, categorize: bool) -> tuple[bytes, bytes]:
    grid = result.grid
    if isinstance(result.value, Lines):
        return b"streams", to_json(streams(result.value.entries, categorize=categorize))
    if grid is None:
        raise TypeError("a vector has times")
    if isinstance(result.value, float):
        return _number(result.value, grid)
    return (b"vector", _vector(result.value, grid)) if grid.is_instant else (b"matrix", _matrix(result.value, grid))


def streams(entries: Iterable[Entry], *, categorize: bool) -> list[dict[str, Any]]:
    """Entries by their labels, in the order of their first lines."""
    found: dict[Labels, dict[str, Any]] = {}
    for entry in entries:
        labels = _of_stream(entry) if categorize else entry.label_set()
        stream = found.get(labels)
        if stream is None:
            stream = found[labels] = {"stream": dict(labels), "values": []}
        value: list[Any] = [str(entry.time_ns), entry.line]
        if categorize:
            value.append(_categories(entry))
        stream["values"].append(value)
    return list(found.values())


def _of_stream(entry: Entry) -> Labels:
    return tuple(
        sorted(pair for pair in entry.labels.items() if pair[0] not in entry.metadata and pair[0] not in entry.parsed)
    )


def _categories(entry: Entry) -> dict[str, dict[str, str]]:
    labels = entry.all_labels()
    metadata = {name: value for name, value in labels.items() if name in entry.metadata}
    parsed = {name: value for name, value in labels.items() if name in entry.parsed or name not in entry.labels}
    return {name: group for name, group in (("structuredMetadata", metadata), ("parsed", parsed)) if group}


def _number(value: float, grid: Grid) -> tuple[bytes, bytes]:
    (text,) = value_texts(_array([value]))
    if grid.is_instant:
        return b"scalar", _point(_seconds(grid.start_ns), text)
    points = b",".join(_point(_seconds(at), text) for at in grid.times_ns().tolist())
    return b"matrix", b'[{"metric":{},"values":[%s]}]' % points


def _vector(vector: Vector, grid: Grid) -> bytes:
    rows = [row for row in _order(vector) if vector.present[row, 0]]
    texts = value_texts(vector.values[rows, 0])
    at = _seconds(grid.start_ns)
    series = (
        b'{"metric":%s,"value":%s}' % (_metric(vector.labels[row]), _point(at, text))
        for row, text in zip(rows, texts, strict=True)
    )
    return b"[%s]" % b",".join(series)


def _matrix(vector: Vector, grid: Grid) -> bytes:
    times = [_seconds(at) for at in grid.times_ns().tolist()]
    series: list[bytes] = []
    for row in _order(vector):
        present = vector.present[row]
        shown = [times[index] for index in present.nonzero()[0].tolist()]
        texts = value_texts(vector.values[row][present])
        points = b",".join(_point(at, text) for at, text in zip(shown, texts, strict=True))
        if points:
            series.append(b'{"metric":%s,"values":[%s]}' % (_metric(vector.labels[row]), points))
    return b"[%s]" % b",".join(series)


def _order(vector: Vector) -> list[int]:
    rows = range(len(vector))
    return list(rows) if vector.ordered else sorted(rows, key=vector.labels.__getitem__)


def _seconds(time_ns: int) -> bytes:
    return time_text(time_ns // _NS_PER_MS)


def _point(at: bytes, text: bytes) -> bytes:
    return b'[%s,"%s"]' % (at, text)


def _metric(labels: Labels) -> bytes:
    return to_json(dict(labels))


def _array(values: list[float]) -> Any:

    return np.array(values)


def statistics(cost: Statistics) -> dict[str, Any]:
    """The object `stats`; what this store does not count is 0."""
    per_second = 1 / cost.seconds if cost.seconds else 0.0
    chunk = {"headChunkBytes": 0, "headChunkLines": 0, "decompressedBytes": cost.bytes, "decompressedLines": cost.lines}
    chunk |= {"compressedBytes": 0, "totalDuplicates": 0}
    store = {"totalChunksRef": 0, "totalChunksDownloaded": 0, "chunksDownloadTime": 0, "chunk": chunk}
    reached = {"totalReached": 0, "totalChunksMatched": 0, "totalBatches": 0, "totalLinesSent": 0}
    return {
        "summary": {
            "bytesProcessedPerSecond": int(cost.bytes * per_second),
            "linesProcessedPerSecond": int(cost.lines * per_second),
            "totalBytesProcessed": cost.bytes,
            "totalLinesProcessed": cost.lines,
            "execTime": cost.seconds,
            "queueTime": 0,
            "subqueries": 0,
            "totalEntriesReturned": cost.entries,
            "splits": 0,
            "shards": 0,
            "totalPostFilterLines": cost.entries,
            "totalStructuredMetadataBytesProcessed": 0,
        },
        "querier": {"store": store},
        "ingester": {**reached, "store": {**store, "chunk": dict.fromkeys(chunk, 0)}},
        "cache": {},
    }
