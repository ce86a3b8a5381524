"""A second store on the same data stands for a restarted process, or for another one of a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from telemetry.model.samples import WriteReceipt
from telemetry.store import TelemetryStore
from tests.conftest import service_of
from tests.environment import DATA
from tests.telemetry.batches import NOW_MS, log_batch, sample_batch, series
from tests.telemetry.store.test_sample_writes import everything

HOUR_MS = 3_600_000


@contextmanager
def reopened(
    store: TelemetryStore, server_url: str, resolve_service=service_of, **settings
) -> Iterator[TelemetryStore]:
    url = f"chdb://{DATA}/telemetry" if store.engine.embedded else server_url
    store.flush()
    again = TelemetryStore.open(url, replace(store.settings, **settings), resolve_service=resolve_service)
    try:
        yield again
    finally:
        again.close()


def rows_of(store: TelemetryStore, table: str) -> int:
    return store.engine.rows("SELECT count() FROM {table:Identifier}", {"table": table})[0][0]


def batch(count: int, at: int = NOW_MS):
    return sample_batch({series("up", job="api", i=f"{i:03}"): [(at, 1.0)] for i in range(count)})


def test_known_series_are_not_written_anew_after_a_restart(store, server_url):
    store.write_samples(batch(20)).result(30)
    with reopened(store, server_url) as again:
        assert again.write_samples(batch(20, NOW_MS - 1000)).result(30) == WriteReceipt(20)
        assert again.write_samples(batch(20)).result(30) == WriteReceipt(20)
        assert rows_of(again, "series") == 40  # once more, for the earlier sample
        assert sum(map(len, everything(again).values())) == 40


def test_a_known_series_keeps_the_service_it_was_given(store, server_url):
    store.write_samples(batch(1)).result(30)

    def other(signal, labels, bound):
        return "other"

    with reopened(store, server_url, other) as again:
        again.write_samples(batch(1, NOW_MS + 1)).result(30)
        again.write_samples(sample_batch({series("new"): [(NOW_MS, 1.0)]})).result(30)
        assert again.services_seen().keys() == {"api", "other"}


def test_the_limit_of_series_counts_those_of_former_runs(store, server_url):
    store.write_samples(batch(8)).result(30)
    with reopened(store, server_url, max_series=10) as again:
        receipt = again.write_samples(batch(14)).result(30)
        (refusal,) = receipt.refusals
        assert (receipt.accepted, refusal.reason, refusal.count) == (10, "too_many_series", 4)
        assert "would be series 11 of this store; the limit is 10 (BELVEDERE_MAX_SERIES)" in refusal.message


def test_the_limit_of_a_service_leaves_other_services_alone(store, server_url):
    store.write_samples(batch(3)).result(30)
    with reopened(store, server_url, max_series_per_service=5) as again:
        receipt = again.write_samples(batch(9)).result(30)
        (refusal,) = receipt.refusals
        assert (receipt.accepted, refusal.reason, refusal.count) == (5, "too_many_series_of_service", 4)
        assert (
            "would be series 6 of service 'api'; the limit is 5 (BELVEDERE_MAX_SERIES_PER_SERVICE)" in refusal.message
        )
        other = sample_batch({series("up", job="db"): [(NOW_MS, 1.0)]})
        assert again.write_samples(other).result(30) == WriteReceipt(1)


def test_a_series_is_written_again_only_when_it_went_on_for_an_hour(store):
    for minute in range(0, 60, 5):
        store.write_samples(batch(3, NOW_MS - 5 * HOUR_MS + minute * 60_000)).result(30)
    assert rows_of(store, "series") == 3
    for hour in range(1, 6):
        store.write_samples(batch(3, NOW_MS - (5 - hour) * HOUR_MS)).result(30)
    assert 3 + 3 * 2 <= rows_of(store, "series") <= 3 + 3 * 5


def test_one_series_under_many_keys_is_one_series(store):
    labels = series("up", job="api")
    for space in ("remote-write", "scrape", "otlp"):
        store.write_samples(sample_batch({labels: [(NOW_MS, 1.0)]}, key_space=space)).result(30)
    assert rows_of(store, "series") == 1


def test_streams_of_former_runs_are_not_written_anew(store, server_url):
    records = [{"stream": series("", service="api"), "t": NOW_MS * 10**6, "body": "a"}]
    store.write_logs(log_batch(records)).result(30)
    store.flush()
    with reopened(store, server_url) as again:
        again.write_logs(log_batch(records)).result(30)
        again.flush()
        assert rows_of(again, "log_streams") == 1
        assert rows_of(again, "log_records") == 2


@pytest.mark.parametrize("fsync", [True, False])
def test_durability_of_the_tables_follows_the_setting(store, server_url, fsync):
    with reopened(store, server_url, fsync=fsync) as again:
        for table in ("samples", "series", "log_records", "log_streams", "metric_metadata"):
            sql = "SELECT engine_full FROM system.tables WHERE database = {d:String} AND name = {t:String}"
            ((definition,),) = again.engine.rows(sql, {"d": again.engine.database, "t": table})
            assert f"fsync_after_insert = {int(fsync)}" in definition
            assert f"fsync_part_directory = {int(fsync)}" in definition
