"""Remote write v1 comes out as it went in, on the fast way and on the general one."""

import json
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.wire.compression import snappy_block
from collectors.wire.limits import DecodeLimits
from collectors.wire.remote_write import decode_write_request
from collectors.wire.sample_scan import scan
from telemetry.model.errors import InvalidInput, LimitExceeded
from telemetry.model.samples import STALE_NAN_BITS, MetricMetadata, is_stale
from tests.collectors.wire.encoders import WriteRequest, write_request
from tests.collectors.wire.real_data import captured, real

LIMITS = DecodeLimits()
NOW = 1_760_000_000_000
UP = {"__name__": "up", "instance": "10.0.0.1:9100", "job": "node"}


def series_of(batch):
    """[(labels, [(timestamp, bits of the value)])] in order of the keys."""
    bits = batch.values.view(np.uint64)
    found = [(dict(sorted(batch.decode_key(key))), []) for key in batch.keys]
    for position, timestamp, value in zip(batch.key_index, batch.timestamps_ms, bits, strict=True):
        found[position][1].append((int(timestamp), int(value)))
    return found


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def decoded(request):
    return decode_write_request(request, LIMITS)


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
label_sets = st.dictionaries(names, names, max_size=5).map(
    lambda labels: dict(sorted({**labels, "__name__": "m"}.items()))
)
usual_times = st.integers(2**35, 2**42 - 1)
any_times = st.integers(-(2**63), 2**63 - 1)
values = st.floats(width=64, allow_nan=False) | st.sampled_from([0.0, 1.0, float("nan"), float("inf")])


def requests_with(times, samples=4):
    return st.lists(st.tuples(label_sets, st.lists(st.tuples(times, values), max_size=samples)), max_size=6)


def in_any_order(series):
    return sorted(series, key=repr)


def assert_round_trip(sent):
    batch = decoded(write_request(*sent)).batch
    expected = [(labels, [(timestamp, bits(value)) for timestamp, value in samples]) for labels, samples in sent]
    assert in_any_order(series_of(batch)) == in_any_order(expected)


@given(requests_with(usual_times))
def test_decoding_gives_back_what_was_encoded(sent):
    assert_round_trip(sent)


@given(requests_with(any_times))
@example([({"__name__": "m"}, [(0, 0.0)])])
@example([({"__name__": "m"}, [(0, 1.0), (NOW, 2.0)])])
@example([({"__name__": "m"}, [(5, 0.0), (NOW, 0.0), (NOW + 1, 3.0)])])
@example([({"__name__": "m", "a": "\x12\x10\t12345678\x10"}, [(NOW, 1.0)])])
def test_decoding_gives_back_times_of_any_size(sent):
    assert_round_trip(sent)


@given(st.lists(st.tuples(label_sets, st.lists(st.tuples(usual_times, values), min_size=1, max_size=1)), min_size=1))
def test_one_sample_series_never_need_the_general_decoder(sent):
    if all(
        "\x12" not in text and "\t" not in text and "\x10" not in text for labels, _ in sent for text in labels.values()
    ):
        assert scan(write_request(*sent), LIMITS) is not None


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_invalid_input(request_bytes):
    try:
        batch = decoded(request_bytes).batch
        for key in batch.keys:
            batch.decode_key(key)
    except InvalidInput:
        pass


@given(requests_with(usual_times), st.data())
def test_damaged_requests_raise_nothing_but_invalid_input(sent, data):
    request = bytearray(write_request(*sent) or b"\0")
    for _ in range(3):
        request[data.draw(st.integers(0, len(request) - 1))] = data.draw(st.integers(0, 255))
    try:
        batch = decoded(bytes(request)).batch
        for key in batch.keys:
            batch.decode_key(key)
    except InvalidInput:
        pass


def test_a_staleness_marker_is_kept_bit_for_bit_on_both_ways():
    stale = struct.unpack("<d", struct.pack("<Q", STALE_NAN_BITS))[0]
    for timestamp in (NOW, 1000):
        batch = decoded(write_request((UP, [(timestamp, stale), (timestamp + 1, float("nan"))]))).batch
        assert is_stale(batch.values).tolist() == [True, False]


def test_series_with_thousands_of_samples_take_the_fast_way():
    samples = [(NOW + 15_000 * i, float(i % 3)) for i in range(5000)]
    request = write_request((UP, samples), ({**UP, "job": "b"}, samples[:1]), ({**UP, "job": "c"}, samples))
    assert scan(request, LIMITS) is not None
    batch = decoded(request).batch
    assert np.bincount(batch.key_index).tolist() == [5000, 1, 5000]
    assert batch.values[:6].tolist() == [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]


def test_equal_labels_give_equal_keys_on_both_ways():
    fast = decoded(write_request((UP, [(NOW, 1.0)]))).batch
    general = decoded(write_request((UP, [(5, 1.0)]))).batch
    assert fast.keys == general.keys
    assert fast.key_space == general.key_space


def test_one_odd_series_does_not_slow_the_others_down_or_disturb_them():
    sent = [({**UP, "n": str(i)}, [(NOW, float(i))]) for i in range(50)]
    sent.insert(20, ({**UP, "n": "odd"}, [(7, 1.0)]))
    batch = decoded(write_request(*sent, metadata=[(1, "up", "is it up?", "")])).batch
    found = {labels["n"]: samples for labels, samples in series_of(batch)}
    assert found == {labels["n"]: [(t, bits(v)) for t, v in samples] for labels, samples in sent}
    assert batch.metadata == (MetricMetadata("up", "counter", "is it up?", ""),)


def test_metadata_of_every_type_is_read():
    request = write_request(metadata=[(kind, f"m{kind}", "help", "seconds") for kind in range(9)])
    words = [entry.type for entry in decoded(request).batch.metadata]
    assert words == [
        "unknown",
        "counter",
        "gauge",
        "histogram",
        "gaugehistogram",
        "summary",
        "info",
        "stateset",
        "unknown",
    ]


def test_exemplars_come_beside_the_samples():
    request = WriteRequest.FromString(write_request((UP, [(NOW, 1.0)]), ({"__name__": "h"}, [])))
    exemplar = request.timeseries[0].exemplars.add(value=1.5, timestamp=NOW)
    exemplar.labels.add(name="trace_id", value="x")
    result = decoded(request.SerializeToString())
    assert (len(result.batch), result.refusals) == (1, ())
    (found,) = result.exemplars.exemplars
    assert (found.timestamp_ms, found.value, found.labels) == (NOW, 1.5, (("trace_id", "x"),))
    assert dict(result.exemplars.decode_key(result.exemplars.keys[0]))["__name__"] == "up"


def test_an_exemplar_with_long_labels_is_refused_by_name_and_the_samples_kept():
    request = WriteRequest.FromString(write_request((UP, [(NOW, 1.0)])))
    request.timeseries[0].exemplars.add(value=1.5, timestamp=NOW).labels.add(name="a", value="x" * 128)
    result = decoded(request.SerializeToString())
    assert (len(result.batch), [refusal.reason for refusal in result.refusals]) == (1, ["invalid_exemplar"])
    assert "up: the labels of an exemplar have 129 characters" in result.refusals[0].message


def test_native_histograms_come_beside_the_samples():
    request = WriteRequest.FromString(write_request((UP, [(NOW, 1.0)]), ({"__name__": "h"}, [])))
    request.timeseries[1].histograms.add(sum=1.0, timestamp=NOW)
    request.timeseries[1].histograms.add(sum=2.0, timestamp=NOW + 1)
    result = decoded(request.SerializeToString())
    assert result.batch.values.tolist() == [1.0]
    assert result.histograms.timestamps_ms.tolist() == [NOW, NOW + 1]
    assert [histogram.sum for histogram in result.histograms.histograms] == [1.0, 2.0]
    assert [result.histograms.decode_key(key) for key in result.histograms.keys] == [(("__name__", "h"),)]


def test_an_impossible_native_histogram_is_refused_by_name_and_the_others_kept():
    request = WriteRequest.FromString(write_request(({"__name__": "h"}, [])))
    request.timeseries[0].histograms.add(sum=1.0, timestamp=NOW, schema=-9)
    request.timeseries[0].histograms.add(sum=2.0, timestamp=NOW)
    result = decoded(request.SerializeToString())
    assert [(r.reason, r.count) for r in result.refusals] == [("invalid_histogram", 1)]
    assert "h: " in result.refusals[0].message
    assert "schema -9" in result.refusals[0].message
    assert len(result.histograms) == 1


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([("__name__", "m"), ("", "x")], "empty"),
        ([("__name__", "m"), ("a", "1"), ("a", "2")], "'a' occurs twice"),
        ([("job", "node")], "metric name"),
    ],
)
def test_a_label_set_that_must_be_refused_says_why(labels, said):
    batch = decoded(write_request((labels, [(NOW, 1.0)]))).batch
    with pytest.raises(InvalidInput, match=said):
        batch.decode_key(batch.keys[0])


def test_labels_that_are_not_utf8_are_refused():
    request = write_request(({"__name__": "m", "a": "Zxxx"}, [(NOW, 1.0)])).replace(b"Zxxx", b"\xff\xfe\xfd\xfc")
    batch = decoded(request).batch
    with pytest.raises(InvalidInput, match="'a' is not UTF-8"):
        batch.decode_key(batch.keys[0])


def test_labels_come_sorted_and_without_empty_values():
    batch = decoded(write_request(([("z", "1"), ("__name__", "m"), ("b", "")], [(NOW, 1.0)]))).batch
    assert batch.decode_key(batch.keys[0]) == (("__name__", "m"), ("z", "1"))


def test_too_many_samples_are_refused_with_the_value_and_the_limit():
    few = DecodeLimits(max_samples=3)
    for timestamp in (NOW, 1):
        request = write_request((UP, [(timestamp, 1.0)] * 4))
        with pytest.raises(LimitExceeded, match=r"4 samples.*limit of 3 \(BELVEDERE_MAX_SAMPLES\)"):
            decode_write_request(request, few)


@pytest.mark.parametrize("part", [b"\x0a\x00", b"\x0a\x02\x0a\x00", b"\x1a\x00"])
def test_a_request_of_millions_of_empty_parts_is_refused(part):
    with pytest.raises(LimitExceeded, match=r"over the limit of 50,000 \(BELVEDERE_MAX_PARTS\)"):
        decode_write_request(part * 60_000, DecodeLimits(max_parts=50_000))


@pytest.mark.parametrize(
    "cut", [b"\x0a", b"\x0a\x05abc", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0b\x01", b"\x02\x00"]
)
def test_broken_protobuf_is_invalid_input(cut):
    with pytest.raises(InvalidInput, match="broken protobuf"):
        decoded(cut)


def test_what_real_prometheus_sends_is_read_whole():
    counts = json.loads(real("senders/index.json").read_text())
    read = 0
    for description, body in captured("senders/remote-write"):
        if "proto=" in description["headers"]["Content-Type"]:
            continue
        name = next(name for name in counts if body == real(f"senders/remote-write/{name}.bin").read_bytes())
        request = snappy_block(body, LIMITS)
        assert scan(request, LIMITS) is not None
        batch = decoded(request).batch
        expected = WriteRequest.FromString(request)
        assert len(batch) == counts[name]["samples"]
        assert series_of(batch) == [
            ({label.name: label.value for label in one.labels}, [(s.timestamp, bits(s.value)) for s in one.samples])
            for one in expected.timeseries
        ]
        read += 1
    assert read >= 3
