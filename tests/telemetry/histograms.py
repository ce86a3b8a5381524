"""Native histograms as tests write them to the store and compare them."""

from collections.abc import Mapping, Sequence

import numpy as np

from telemetry.model.histograms import Histogram, HistogramBatch
from telemetry.model.labels import Labels
from telemetry.model.samples import WriteReceipt
from telemetry.store import TelemetryStore
from tests.telemetry.batches import decode_key, encode_key

Samples = Mapping[Labels, Sequence[tuple[int, Histogram]]]
"""(timestamp_ms, histogram) by series."""


def vars_of(histogram: Histogram) -> dict[str, object]:
    return {
        "schema": histogram.schema,
        "numbers": np.array([histogram.count, histogram.sum, histogram.zero_threshold, histogram.zero_count]).tobytes(),
        "positive": (histogram.positive.indices.tolist(), histogram.positive.counts.tolist()),
        "negative": (histogram.negative.indices.tolist(), histogram.negative.counts.tolist()),
        "bounds": histogram.custom_bounds.tolist(),
        "hint": histogram.hint,
    }


def histogram_batch(samples: Samples) -> HistogramBatch:
    rows = [(at, t, h) for at, pairs in enumerate(samples.values()) for t, h in pairs]
    return HistogramBatch(
        key_space="test",
        keys=[encode_key(labels) for labels in samples],
        decode_key=decode_key,
        key_index=np.array([row[0] for row in rows], np.int64),
        timestamps_ms=np.array([row[1] for row in rows], np.int64),
        histograms=[row[2] for row in rows],
    )


def write_histograms(store: TelemetryStore, samples: Samples, service: str | None = None) -> WriteReceipt:
    """Once they are committed."""
    return store.write_histograms(histogram_batch(samples), service=service).result(timeout=30)
