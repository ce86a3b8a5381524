"""Remote write 2.0: what 1.0 would have said of the same series, symbols or not."""

import json

import cramjam
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.limits import DecodeLimits
from collectors.wire.remote_write_v2 import decode_write_request_v2
from telemetry.model.errors import InvalidInput, LimitExceeded
from telemetry.model.labels import labels_from
from telemetry.model.samples import STALE_NAN, MetricMetadata, is_stale
from tests.collectors.wire.encoders import F, _classes
from tests.collectors.wire.real_data import real

V2 = _classes(
    "write.v2",
    {
        "Sample": [("value", 1, F.TYPE_DOUBLE, ""), ("timestamp", 2, F.TYPE_INT64, "")],
        "Exemplar": [
            ("labels_refs", 1, F.TYPE_UINT32, "REPEATED"),
            ("value", 2, F.TYPE_DOUBLE, ""),
            ("timestamp", 3, F.TYPE_INT64, ""),
        ],
        "Histogram": [
            ("count_int", 1, F.TYPE_UINT64, ""),
            ("sum", 3, F.TYPE_DOUBLE, ""),
            ("timestamp", 15, F.TYPE_INT64, ""),
        ],
        "Metadata": [
            ("type", 1, F.TYPE_UINT32, ""),
            ("help_ref", 3, F.TYPE_UINT32, ""),
            ("unit_ref", 4, F.TYPE_UINT32, ""),
        ],
        "TimeSeries": [
            ("labels_refs", 1, F.TYPE_UINT32, "REPEATED"),
            ("samples", 2, F.TYPE_MESSAGE, "Sample"),
            ("histograms", 3, F.TYPE_MESSAGE, "Histogram"),
            ("exemplars", 4, F.TYPE_MESSAGE, "Exemplar"),
            ("metadata", 5, F.TYPE_MESSAGE, "=Metadata"),
            ("created_timestamp", 6, F.TYPE_INT64, ""),
        ],
        "Request": [("symbols", 4, F.TYPE_STRING, "REPEATED"), ("timeseries", 5, F.TYPE_MESSAGE, "TimeSeries")],
    },
)  # fmt: skip
NOW_MS = 1_795_000_000_000
LIMITS = DecodeLimits()


def request(symbols: list[str], *series: dict) -> bytes:
    return V2["Request"](
        symbols=["", *symbols], timeseries=[V2["TimeSeries"](**each) for each in series]
    ).SerializeToString()


def one(**fields: object) -> bytes:
    """A request of the one series a{b="c"}."""
    return request(
        ["__name__", "a", "b", "c", "help", "unit", "trace_id", "x1"], {"labels_refs": [1, 2, 3, 4], **fields}
    )


def samples_of(body: bytes) -> dict[tuple, list[tuple[int, float]]]:
    batch = decode_write_request_v2(body, LIMITS).batch
    found: dict[tuple, list[tuple[int, float]]] = {}
    for row, position in enumerate(batch.key_index.tolist()):
        labels = batch.decode_key(batch.keys[position])
        found.setdefault(labels, []).append((int(batch.timestamps_ms[row]), float(batch.values[row])))
    return found


A = labels_from({"__name__": "a", "b": "c"})


@pytest.mark.parametrize("times", [[NOW_MS], [NOW_MS, NOW_MS + 1], [0], [-5, NOW_MS], [2**50]])
def test_samples_come_with_the_labels_of_their_symbols(times: list[int]) -> None:
    body = one(samples=[{"value": 1.5 + at, "timestamp": at} for at in times], created_timestamp=7)
    assert samples_of(body) == {A: [(at, 1.5 + at) for at in times]}


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.floats(allow_nan=False)), min_size=1, max_size=20))
def test_every_time_and_value_comes_through(samples: list[tuple[int, float]]) -> None:
    body = one(samples=[{"value": value, "timestamp": at} for at, value in samples])
    assert samples_of(body) == {A: samples}


def test_staleness_markers_stay_as_they_are() -> None:
    batch = decode_write_request_v2(one(samples=[{"value": STALE_NAN, "timestamp": NOW_MS}]), LIMITS).batch
    assert is_stale(batch.values).all()


def test_the_same_series_has_the_same_key_whatever_its_symbols() -> None:
    sample = [{"value": 1.0, "timestamp": NOW_MS}]
    first = decode_write_request_v2(
        request(["__name__", "a", "b", "c"], {"labels_refs": [1, 2, 3, 4], "samples": sample}), LIMITS
    )
    other = decode_write_request_v2(
        request(["c", "b", "a", "__name__"], {"labels_refs": [4, 3, 2, 1], "samples": sample}), LIMITS
    )
    assert first.batch.keys == other.batch.keys


@pytest.mark.parametrize(
    ("references", "sentence"), [([1, 2, 3], "odd number of 3"), ([1, 2, 3, 99], "refers to symbol 99")]
)
def test_a_series_with_wrong_references_is_refused_while_the_rest_is_taken(references, sentence) -> None:
    sample = [{"value": 1.0, "timestamp": NOW_MS}, {"value": 1.0, "timestamp": NOW_MS + 1}]
    body = request(
        ["__name__", "a", "b", "c"],
        {"labels_refs": references, "samples": sample},
        {"labels_refs": [1, 2, 3, 4], "samples": sample[:1]},
    )
    decoded = decode_write_request_v2(body, LIMITS)
    (refusal,) = decoded.refusals
    assert (len(decoded.batch), refusal.count) == (1, 2)
    assert sentence in refusal.message


def test_metadata_names_the_family() -> None:
    body = request(
        ["__name__", "d_bucket", "d_sum", "help"],
        {"labels_refs": [1, 2], "metadata": {"type": 3, "help_ref": 4}, "samples": [{"value": 1, "timestamp": NOW_MS}]},
        {"labels_refs": [1, 3], "metadata": {"type": 3, "help_ref": 4}, "samples": [{"value": 1, "timestamp": NOW_MS}]},
    )
    assert decode_write_request_v2(body, LIMITS).batch.metadata == (MetricMetadata("d", "histogram", "help"),)


def test_exemplars_and_histograms_are_found() -> None:
    body = one(
        exemplars=[{"labels_refs": [7, 8], "value": 2.0, "timestamp": NOW_MS}],
        histograms=[{"count_int": 0, "sum": 0.0, "timestamp": NOW_MS}],
    )
    decoded = decode_write_request_v2(body, LIMITS)
    assert decoded.exemplars is not None
    assert decoded.histograms is not None
    assert decoded.exemplars.exemplars[0].labels == (("trace_id", "x1"),)
    assert (len(decoded.histograms), len(decoded.batch), decoded.refusals) == (1, 0, ())


def test_an_exemplar_with_long_labels_is_refused_by_name() -> None:
    body = request(
        ["__name__", "a", "trace_id", "x" * 130],
        {"labels_refs": [1, 2], "exemplars": [{"labels_refs": [3, 4], "value": 1, "timestamp": NOW_MS}]},
    )
    (refusal,) = decode_write_request_v2(body, LIMITS).refusals
    assert refusal.reason == "invalid_exemplar"
    assert "138 characters; the limit is 128" in refusal.message


def test_a_broken_message_is_refused_whole() -> None:
    with pytest.raises(InvalidInput):
        decode_write_request_v2(b"\x2a\xff\x01", LIMITS)
    with pytest.raises(InvalidInput, match="empty text"):
        decode_write_request_v2(V2["Request"](symbols=["a"]).SerializeToString(), LIMITS)


def test_the_number_of_samples_is_limited() -> None:
    body = one(samples=[{"value": 1.0, "timestamp": NOW_MS}] * 3)
    with pytest.raises(LimitExceeded):
        decode_write_request_v2(body, DecodeLimits(max_samples=2))


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_end_in_a_batch_or_a_sentence(body: bytes) -> None:
    try:
        decode_write_request_v2(body, LIMITS)
    except InvalidInput:
        return


def test_requests_of_a_real_prometheus_are_read_whole() -> None:
    counts = json.loads(real("senders/index.json").read_text())
    for name in [name for name, count in counts.items() if count["version"] == 2]:
        body = bytes(cramjam.snappy.decompress_raw(real(f"senders/remote-write/{name}.bin").read_bytes()))
        decoded = decode_write_request_v2(body, LIMITS)
        assert (len(decoded.batch.keys), len(decoded.batch)) == (counts[name]["series"], counts[name]["samples"])
        assert decoded.refusals == ()
        assert np.isfinite(decoded.batch.timestamps_ms).all()
        assert all(dict(decoded.batch.decode_key(key))["__name__"] for key in decoded.batch.keys)
