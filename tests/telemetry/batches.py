"""Batches as the receivers hand them to the store, made from plain Python values."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels, labels_from
from telemetry.model.logs import LogBatch
from telemetry.model.samples import MetricMetadata, SampleBatch

NOW_MS = int(time.time()) // 60 * 60_000
"""A whole minute shortly before the run."""


def series(metric: str, **labels: str) -> Labels:
    return labels_from({"__name__": metric, **labels})


def encode_key(labels: Labels) -> bytes:
    return json.dumps(labels).encode()


def decode_key(key: bytes) -> Labels:
    """Inverse of encode_key; raises InvalidInput as a wire decoder does."""
    try:
        return tuple((name, value) for name, value in json.loads(key))
    except ValueError as error:
        raise InvalidInput(f"key {key!r} is not a label set") from error


def sample_batch(
    samples: Mapping[Labels, Sequence[tuple[int, float]]],
    *,
    metadata: Sequence[MetricMetadata] = (),
    key_space: str = "test",
) -> SampleBatch:
    """One batch of (timestamp_ms, value) pairs by series, in the order given."""
    rows = [(index, t, v) for index, pairs in enumerate(samples.values()) for t, v in pairs]
    return SampleBatch(
        key_space=key_space,
        keys=[encode_key(labels) for labels in samples],
        decode_key=decode_key,
        key_index=np.array([row[0] for row in rows], np.int64),
        timestamps_ms=np.array([row[1] for row in rows], np.int64),
        values=np.array([row[2] for row in rows], np.float64),
        metadata=metadata,
    )


def log_batch(records: Sequence[Mapping[str, Any]]) -> LogBatch:
    """One batch; each record is a mapping with `stream` (labels), `t` (ns) and any further column by its name."""
    streams = list(dict.fromkeys(record["stream"] for record in records))
    times = np.array([record["t"] for record in records], np.int64)
    return LogBatch(
        source="test",
        streams=streams,
        stream_index=np.array([streams.index(record["stream"]) for record in records], np.int64),
        timestamps_ns=times,
        observed_timestamps_ns=np.array([record.get("observed", record["t"]) for record in records], np.int64),
        severity_numbers=np.array([record.get("severity", 0) for record in records], np.uint8),
        severity_texts=[record.get("severity_text", "") for record in records],
        bodies=[record.get("body", "") for record in records],
        trace_ids=[record.get("trace_id", "") for record in records],
        span_ids=[record.get("span_id", "") for record in records],
        attributes=[record.get("attributes", "") for record in records],
    )
