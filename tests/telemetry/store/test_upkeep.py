from dataclasses import replace

import pytest

from telemetry.model.labels import Matcher, MatchOp, label_value, labels_from
from telemetry.model.samples import WriteReceipt
from telemetry.store import ServiceSeen
from tests.conftest import service_of
from tests.telemetry.batches import NOW_MS, log_batch, sample_batch, series
from tests.telemetry.store.test_logs import EVER, NOW, bodies
from tests.telemetry.store.test_restart import reopened
from tests.telemetry.store.test_sample_writes import HOUR as TIME_RANGE
from tests.telemetry.store.test_sample_writes import everything


def fill(store):
    store.write_samples(
        sample_batch(
            {
                series("up", job="api"): [(NOW_MS - 15_000, 1.0), (NOW_MS - 5, 1.0)],
                series("up", job="db"): [(NOW_MS - 60_000, 1.0)],
            }
        )
    ).result(30)
    store.write_logs(
        log_batch(
            [
                {"stream": labels_from({"service": "api"}), "t": NOW, "body": "from api"},
                {"stream": labels_from({"service": "web"}), "t": NOW - 10**9, "body": "from web"},
            ]
        )
    ).result(30)


def test_services_are_seen_by_signal_at_their_newest_moment(store):
    fill(store)
    assert store.services_seen() == {
        "api": ServiceSeen(NOW_MS - 5, NOW_MS),
        "db": ServiceSeen(NOW_MS - 60_000, None),
        "web": ServiceSeen(None, NOW_MS - 1000),
    }


def test_a_sample_that_needs_no_sighting_still_counts_as_seen(store):
    fill(store)
    store.write_samples(sample_batch({series("up", job="db"): [(NOW_MS - 30_000, 1.0)]})).result(30)
    assert store.services_seen()["db"].metrics_ms == NOW_MS - 30_000


def test_usage_tells_rows_and_bytes_of_each_table(store):
    fill(store)
    usage = {entry.table: entry for entry in store.usage()}
    assert {table: usage[table].rows for table in ("samples", "series", "log_records", "log_streams")} == {
        "samples": 3,
        "series": 2,
        "log_records": 2,
        "log_streams": 2,
    }
    assert all(entry.bytes_on_disk > 0 and entry.bytes_uncompressed > 0 for entry in usage.values())


def test_a_removed_service_is_gone_and_may_come_back(store):
    fill(store)
    assert store.delete_service(["api", "web"]) == 4
    assert list(everything(store)) == [series("up", job="db")]
    assert bodies(store) == []
    assert store.services_seen().keys() == {"db"}
    fill(store)
    assert len(everything(store)) == 2
    assert sorted(bodies(store)) == ["from api", "from web"]
    assert store.services_seen().keys() == {"api", "db", "web"}


def test_removing_nobody_removes_nothing(store):
    fill(store)
    assert store.delete_service(["nobody", "'; DROP TABLE samples; --"]) == 0
    assert store.delete_service([]) == 0
    assert len(everything(store)) == 2


def test_a_removed_service_makes_room_under_the_limits(store, server_url):
    with reopened(store, server_url, max_series=2) as small:
        fill(small)
        assert small.write_samples(sample_batch({series("new"): [(NOW_MS, 1.0)]})).result(30).refused == 1
        small.delete_service(["api"])
        assert small.write_samples(sample_batch({series("new"): [(NOW_MS, 1.0)]})).result(30) == WriteReceipt(1)


def test_changed_mapping_rules_move_series_and_streams_with_their_past(store, server_url):
    def renamed(signal, labels, bound):
        found = service_of(signal, labels, bound)
        return "gateway" if found == "api" else found

    fill(store)
    with reopened(store, server_url, renamed) as again:
        assert again.remap_services() == 2
        assert again.remap_services() == 0
        found = again.select_series([[Matcher("job", MatchOp.EQUAL, "api")]], TIME_RANGE)
        assert found.services == ["gateway"]
        assert label_value(found.labels[0], "job") == "api"
        assert bodies(again, replace(EVER, services=("gateway",))) == ["from api"]
        assert bodies(again, replace(EVER, services=("api",))) == []
        fill(again)
        assert bodies(again, replace(EVER, services=("gateway",))) == ["from api", "from api"]
        assert again.services_seen().keys() == {"gateway", "db", "web"}
        assert again.log_facets(EVER).services == [("gateway", 2), ("web", 2)]


def test_a_moved_service_is_removed_by_its_new_name(store, server_url):
    fill(store)
    with reopened(store, server_url, lambda signal, labels, bound: "all") as again:
        again.remap_services()
        assert again.delete_service(["api"]) == 0
        assert again.delete_service(["all"]) == 5
        assert everything(again) == {}


@pytest.mark.parametrize("table", ["samples", "series", "log_records", "log_streams", "metric_metadata"])
def test_a_cleared_store_is_empty(store, table):
    fill(store)
    store.clear()
    assert store.engine.rows("SELECT count() FROM {table:Identifier}", {"table": table}) == [(0,)]
    assert store.services_seen() == {}
