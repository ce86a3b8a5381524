"""Writes series into the real store: `{name, label: value ...}` with samples at times."""

import json
from collections.abc import Iterable, Mapping

import numpy as np

from telemetry.model.labels import Labels, labels_from
from telemetry.model.samples import SampleBatch
from telemetry.store import TelemetryStore

Points = Iterable[tuple[int, float]]
"""(timestamp_ms, value)"""


def _labels(key: bytes) -> Labels:
    return labels_from(json.loads(key))


def write_series(store: TelemetryStore, *series: tuple[str, Mapping[str, str], Points]) -> None:
    """Write (metric, labels, points) and wait for the commit."""
    keys = [json.dumps({"__name__": metric, **labels}).encode() for metric, labels, _ in series]
    rows = [(index, at, value) for index, (_, _, points) in enumerate(series) for at, value in points]
    index, times, values = zip(*rows, strict=True)
    batch = SampleBatch(
        "tests", keys, _labels, np.array(index, np.int64), np.array(times, np.int64), np.array(values, np.float64)
    )
    receipt = store.write_samples(batch).result(30)
    assert receipt.accepted == len(rows), receipt
