"""How much of the telemetry belongs to whom."""

import time

import numpy as np

from telemetry.model.labels import Labels
from telemetry.model.logs import LogBatch
from telemetry.model.samples import SampleBatch
from telemetry.store import ServiceVolume, TelemetryStore

NOW_MS = int(time.time() * 1000)


def samples_of(*jobs: str) -> SampleBatch:
    """One sample each of one series a job."""
    keys = [job.encode() for job in jobs]

    def decode(key: bytes) -> Labels:
        return (("__name__", "up"), ("job", key.decode()))

    count = len(jobs)
    return SampleBatch(
        "test", keys, decode, np.arange(count), np.full(count, NOW_MS, np.int64), np.ones(count, np.float64)
    )


def lines_of(service: str, count: int) -> LogBatch:
    """`count` records of one stream."""
    times = np.full(count, NOW_MS * 1_000_000, np.int64)
    empty = [""] * count
    return LogBatch(
        source="test",
        streams=[(("service", service),)],
        stream_index=np.zeros(count, np.int64),
        timestamps_ns=times,
        observed_timestamps_ns=times,
        severity_numbers=np.zeros(count, np.uint8),
        severity_texts=empty,
        bodies=["hello"] * count,
        trace_ids=empty,
        span_ids=empty,
        attributes=empty,
    )


def test_series_and_records_are_counted_by_service(store: TelemetryStore) -> None:
    store.write_samples(samples_of("api", "web")).result(30)
    store.write_samples(samples_of("api")).result(30)
    store.write_logs(lines_of("api", 3)).result(30)
    assert store.service_volumes() == {"api": ServiceVolume(1, 3), "web": ServiceVolume(1, 0)}


def test_an_empty_store_has_no_volumes(store: TelemetryStore) -> None:
    assert store.service_volumes() == {}
