from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from telemetry.model.labels import Matcher, MatchOp, labels_from
from telemetry.model.samples import STALE_NAN, MetricMetadata, SampleBatch, SeriesNumbers, WriteReceipt, is_stale
from telemetry.model.time import TimeRange
from telemetry.store import TelemetryStore
from tests.telemetry.batches import NOW_MS, decode_key, sample_batch, series

HOUR = TimeRange(NOW_MS - 3_600_000, NOW_MS)
DAY_MS = 86_400_000


def everything(store: TelemetryStore, time_range: TimeRange = HOUR):
    """{labels: [(t, v), ...]} of all that is stored."""
    found = store.select_series([], time_range)
    columns = store.read_samples(found, time_range)
    pairs = list(zip(columns.timestamps_ms.tolist(), columns.values.tolist(), strict=True))
    return {
        labels: pairs[start:end]
        for labels, start, end in zip(found.labels, columns.offsets, columns.offsets[1:], strict=False)
    }


def test_what_is_acknowledged_can_be_read(store):
    samples = {
        series("up", job="api"): [(NOW_MS - 15_000, 1.0), (NOW_MS, 0.0)],
        series("http_requests_total", job="api", code="200"): [(NOW_MS, 7.5)],
    }
    receipt = store.write_samples(sample_batch(samples)).result(30)
    assert receipt == WriteReceipt(accepted=3)
    assert everything(store) == samples


def test_labels_come_back_exactly_as_sent(store):
    awkward = labels_from(
        {
            "__name__": "odd.metric/näme",
            "tab": "a\tb",
            "quote": 'it\'s "so"',
            "backslash": "C:\\n\\",
            "newline": "a\nb\r",
            "nul": "\x00",
            "brace": "{p0:String}",
            "sql": "'; DROP TABLE series; --",
            "emoji": "🔭",
            "日本": "語",
            " ": " ",
        }
    )
    store.write_samples(sample_batch({awkward: [(NOW_MS, 1.0)]})).result(30)
    assert list(everything(store)) == [awkward]
    for name, value in awkward:
        assert store.select_series([[Matcher(name, MatchOp.EQUAL, value)]], HOUR).labels == [awkward]
        assert store.label_values(name, [], HOUR) == [value]


def test_values_keep_every_bit(store):
    values = [STALE_NAN, float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 1.7976931348623157e308]
    times = [NOW_MS - 1000 * index for index in range(len(values))]
    store.write_samples(sample_batch({series("m"): list(zip(times, values, strict=True))})).result(30)
    found = store.read_samples(store.select_series([], HOUR), HOUR)
    assert found.values[::-1].view(np.uint64).tolist() == np.array(values).view(np.uint64).tolist()
    assert is_stale(found.values[::-1]).tolist() == [True] + [False] * 6


def test_an_empty_batch_is_acknowledged(store):
    assert store.write_samples(sample_batch({})).result(30) == WriteReceipt(0)


def test_metadata_is_kept_and_the_latest_wins(store):
    first = MetricMetadata("up", "gauge", "Is it up?", "")
    store.write_samples(sample_batch({}, metadata=[first, MetricMetadata("a_total", "counter")])).result(30)
    assert store.metric_metadata() == [MetricMetadata("a_total", "counter"), first]
    second = MetricMetadata("up", "gauge", "Was it up?", "")
    store.write_samples(sample_batch({}, metadata=[second])).result(30)
    assert store.metric_metadata("up") == [second]
    assert store.metric_metadata(limit=1) == [MetricMetadata("a_total", "counter")]
    assert store.metric_metadata("absent") == []


def test_the_service_stands_beside_the_labels(store):
    store.write_samples(sample_batch({series("up", job="api"): [(NOW_MS, 1.0)]})).result(30)
    found = store.select_series([], HOUR)
    assert found.services == ["api"]
    assert found.labels == [series("up", job="api")]


def test_equal_labels_of_two_bound_senders_are_one_row(store):
    labels = series("up", job="api")
    store.write_samples(sample_batch({labels: [(NOW_MS - 15_000, 1.0)]}), service="red").result(30)
    store.write_samples(sample_batch({labels: [(NOW_MS, 2.0)]}), service="blue").result(30)
    found = store.select_series([], HOUR)
    assert len(found) == 1
    assert found.rows.tolist() == [0, 0]
    assert len(set(found.ids.tolist())) == 2
    assert everything(store) == {labels: [(NOW_MS - 15_000, 1.0), (NOW_MS, 2.0)]}


def test_a_timestamp_in_the_future_is_refused_by_name_and_the_rest_is_stored(store):
    ahead = NOW_MS + DAY_MS
    batch = sample_batch({series("up", job="api"): [(NOW_MS, 1.0), (ahead, 2.0)]})
    receipt = store.write_samples(batch).result(30)
    (refusal,) = receipt.refusals
    assert (receipt.accepted, refusal.reason, refusal.count) == (1, "future_timestamp", 1)
    assert "up{job='api'}" in refusal.message
    assert "the limit is 600 (BELVEDERE_FUTURE_SECONDS)" in refusal.message
    assert everything(store, TimeRange(0, ahead)) == {series("up", job="api"): [(NOW_MS, 1.0)]}


def test_samples_are_taken_however_old_within_the_retention(store):
    old, too_old = NOW_MS - 399 * DAY_MS, NOW_MS - 401 * DAY_MS
    receipt = store.write_samples(sample_batch({series("up"): [(too_old, 0.0), (old, 1.0), (NOW_MS, 2.0)]})).result(30)
    (refusal,) = receipt.refusals
    assert (receipt.accepted, refusal.reason, refusal.count) == (2, "old_timestamp", 1)
    assert "the limit is 400 (BELVEDERE_SAMPLE_RETENTION_DAYS)" in refusal.message
    assert everything(store, TimeRange(0, NOW_MS)) == {series("up"): [(old, 1.0), (NOW_MS, 2.0)]}


@pytest.mark.parametrize(
    ("labels", "reason", "sentence"),
    [
        (labels_from({"job": "api"}), "no_metric_name", "has no metric name"),
        ((("", "x"), ("__name__", "up")), "invalid_labels", "empty label name"),
        ((("__name__", "up"), ("a", "\udcff")), "invalid_labels", "not valid Unicode"),
        (series("up", **{f"l{i}": "x" for i in range(64)}), "too_many_labels", "has 65 labels; the limit is 64"),
        (series("up", **{"n" * 257: "x"}), "label_name_too_long", "has 257 bytes; the limit is 256"),
        (series("up", a="é" * 2049), "label_value_too_long", "has 4098 bytes; the limit is 4096"),
    ],
)
def test_a_bad_label_set_is_refused_by_name_and_the_rest_is_stored(store, labels, reason, sentence):
    good = series("up", job="good")
    receipt = store.write_samples(sample_batch({labels: [(NOW_MS, 1.0), (NOW_MS, 1.0)], good: [(NOW_MS, 1.0)]})).result(
        30
    )
    (refusal,) = receipt.refusals
    assert (receipt.accepted, refusal.reason, refusal.count) == (1, reason, 2)
    assert sentence in refusal.message
    assert list(everything(store)) == [good]


def test_a_key_that_cannot_be_decoded_is_refused_and_the_rest_is_stored(store):
    batch = sample_batch({series("up"): [(NOW_MS, 1.0)]})
    broken = SampleBatch(
        "test", [b"\xff{", *batch.keys], decode_key, np.array([0, 1]), np.array([NOW_MS] * 2), np.ones(2)
    )
    receipt = store.write_samples(broken).result(30)
    assert [(r.reason, r.count) for r in receipt.refusals] == [("invalid_labels", 1)]
    assert list(everything(store)) == [series("up")]


def test_new_series_beyond_the_limit_of_a_request_are_refused(store):
    batch = sample_batch({series("up", i=f"{i:02}"): [(NOW_MS, 1.0)] for i in range(10)})
    receipt = store.write_samples(batch, max_new_series=4).result(30)
    (refusal,) = receipt.refusals
    assert (receipt.accepted, refusal.reason, refusal.count) == (4, "too_many_new_series", 6)
    assert (
        "would be new series 5 of one request; the limit is 4 (BELVEDERE_MAX_NEW_SERIES_PER_REQUEST)" in refusal.message
    )
    assert "and 5 more like it" in refusal.message
    assert store.write_samples(batch, max_new_series=6).result(30) == WriteReceipt(10)


def test_refusals_are_counted_in_a_metric(store):
    from prometheus_client import REGISTRY

    def refused() -> float:
        labels = {"kind": "samples", "reason": "no_metric_name"}
        return REGISTRY.get_sample_value("belvedere_store_refused_total", labels) or 0.0

    before = refused()
    store.write_samples(sample_batch({labels_from({"a": "b"}): [(NOW_MS, 1.0), (NOW_MS, 1.0)]})).result(30)
    assert refused() == before + 2


def test_many_senders_of_the_same_new_series_at_once_lose_nothing(store):
    def send(sender: int) -> int:
        accepted = 0
        for step in range(10):
            at = NOW_MS - 1000 * (10 * sender + step)
            batch = sample_batch({series("m", i=str(i)): [(at, float(sender))] for i in range(step, step + 20)})
            accepted += store.write_samples(batch).result(30).accepted
        return accepted

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(8))) == 8 * 10 * 20
    found = everything(store)
    assert len(found) == 29
    assert sum(map(len, found.values())) == 8 * 10 * 20
    assert store.engine.rows("SELECT uniqExact(id) FROM series") == [(29,)]


def numbered(keys: list[bytes], memo: SeriesNumbers, at: int, decoded: list[bytes]) -> SampleBatch:
    def decode(key: bytes):
        decoded.append(key)
        return labels_from({"__name__": key.decode()})

    count = len(keys)
    times, values = np.full(count, at, np.int64), np.arange(count, dtype=np.float64)
    return SampleBatch("tests", keys, decode, np.arange(count), times, values, numbers=memo)


def test_a_sender_that_keeps_the_numbers_of_its_series_has_them_decoded_once(store) -> None:
    decoded: list[bytes] = []
    memo = SeriesNumbers(np.full(2, -1))
    for at in (NOW_MS, NOW_MS + 1):
        assert store.write_samples(numbered([b"kept_a", b"kept_b"], memo, at, decoded)).result(30).accepted == 2
    assert decoded == [b"kept_a", b"kept_b"]
    assert (memo.numbers >= 0).all()


def test_numbers_that_mean_nothing_any_more_are_looked_up_anew(store) -> None:
    decoded: list[bytes] = []
    memo = SeriesNumbers(np.full(1, -1))
    store.write_samples(numbered([b"kept_a"], memo, NOW_MS, decoded)).result(30)
    store.clear()
    store.write_samples(numbered([b"kept_a"], memo, NOW_MS, decoded)).result(30)
    assert decoded == [b"kept_a", b"kept_a"]
    assert everything(store) == {series("kept_a"): [(NOW_MS, 0.0)]}
