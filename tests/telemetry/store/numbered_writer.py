"""Writes numbered samples and log records for ever and prints each number once it is acknowledged; or reads them back.

python -m tests.telemetry.store.numbered_writer write|read DIRECTORY
"""

import sys

import numpy as np

from telemetry.model.samples import SampleBatch
from telemetry.model.time import TimeRange
from telemetry.store import LogQuery, StoreSettings, TelemetryStore
from tests.conftest import service_of
from tests.telemetry.batches import NOW_MS, decode_key, encode_key, log_batch, series

BATCH = 50
START_MS = NOW_MS - 86_400_000
EVER = TimeRange(0, NOW_MS)


def write(store: TelemetryStore, number: int) -> None:
    """Sample and record `number` .. `number + BATCH - 1`; every batch also brings a new series."""
    numbers = np.arange(number, number + BATCH, dtype=np.float64)
    keys = [encode_key(series("numbered", batch=str(number)))]
    times = np.full(BATCH, START_MS) + np.arange(BATCH)
    samples = SampleBatch("test", keys, decode_key, np.zeros(BATCH, np.int64), times, numbers)
    records = [
        {"stream": (("service", "numbered"),), "t": START_MS * 10**6, "body": str(n)}
        for n in range(number, number + BATCH)
    ]
    futures = [store.write_samples(samples), store.write_logs(log_batch(records))]
    for future in futures:
        assert future.result(30).accepted == BATCH


def main(mode: str, directory: str) -> None:
    store = TelemetryStore.open(f"chdb://{directory}", StoreSettings(), resolve_service=service_of)
    if mode == "read":
        found = store.select_series([], EVER)
        print(*sorted(map(int, store.read_samples(found, EVER).values)))
        records = store.search_logs(LogQuery(0, NOW_MS * 10**6, limit=10**6))
        print(*sorted(int(record.body) for record in records))
        store.close()
        return
    number = int(sys.stdin.readline())
    while True:
        write(store, number)
        number += BATCH
        print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
