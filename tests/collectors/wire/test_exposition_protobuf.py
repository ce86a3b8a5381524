"""Protobuf pages say what text pages say, and native histograms on top."""

import numpy as np
import pytest

from collectors.wire import exposition_protobuf as wire
from collectors.wire.exposition import parse_exposition
from collectors.wire.exposition_protobuf import bound_text, read_protobuf_page
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput, LimitExceeded
from telemetry.model.exemplars import Exemplar
from telemetry.model.histograms import ResetHint
from tests.collectors.wire.real_data import real

LIMITS = DecodeLimits()
NOW = 1_760_000_000_000
REAL = "expositions/prometheus/prometheus-3.5.3.protobuf"


def page_of(*families):
    return b"".join(bytes([len(data) & 0x7F | 0x80, len(data) >> 7]) + data for data in families)


def family(name, kind, *metrics, **further):
    return wire._FAMILY(metric=name.encode(), type=kind, metrics=metrics, **further).SerializeToString()


def metric(labels=(), **fields):
    pairs = [wire._LABEL(key=key.encode(), value=value.encode()).SerializeToString() for key, value in labels]
    return wire._METRIC(labels=pairs, **fields).SerializeToString()


def number(value, exemplar=b""):
    return wire._NUMBER(value=value, exemplar=exemplar or None).SerializeToString()


def histogram(**fields):
    return wire._HISTOGRAM(**fields).SerializeToString()


def bucket(count, bound):
    return wire._BUCKET(count_int=count, bound=bound).SerializeToString()


NATIVE = {
    "count_int": 3, "sum": 4.5, "schema": 0, "zero_threshold": 0.5, "positive_spans": [b"\x08\x02\x10\x02"],
    "positive_deltas": [1, 1], "buckets": [bucket(2, 1.0)],
}  # fmt: skip


def samples(text):
    batch = parse_exposition(text, default_timestamp_ms=NOW, limits=LIMITS)
    values = {batch.decode_key(key): value for key, value in zip(batch.keys, batch.values.tolist(), strict=True)}
    return values, batch


def test_values_labels_times_and_words_survive():
    labels = [("a", 'x"\\\ny'), ("b.c", "ü")]
    page = page_of(
        family(
            "requests_total", 0, metric(labels, counter=number(0.1 + 0.2), timestamp_ms=5), help=b"of \\ all\nwords"
        ),
        family("sky.high", 1, metric(gauge=number(float("-inf"))), unit=b"m"),
    )
    values, batch = samples(read_protobuf_page(page, LIMITS).text)
    assert values == {
        (("__name__", "requests_total"), *labels): 0.1 + 0.2,
        (("__name__", "sky.high"),): float("-inf"),
    }
    assert batch.timestamps_ms.tolist() == [5, NOW]
    assert [(each.metric, each.type, each.help, each.unit) for each in batch.metadata] == [
        ("requests_total", "counter", "of \\ all\nwords", ""), ("sky.high", "gauge", "", "m"),
    ]  # fmt: skip


def test_a_native_histogram_stands_beside_the_text():
    page = page_of(family("latency", 5, metric([("a", "b")], histogram=histogram(**NATIVE))))
    found = read_protobuf_page(page, LIMITS)
    (one,) = found.histograms
    assert (one.series, one.timestamp_ms, one.histogram.hint) == (b'latency{a="b"}', None, ResetHint.GAUGE)
    assert one.histogram.positive.indices.tolist() == [1, 2]
    assert one.histogram.positive.counts.tolist() == [1, 2]
    assert found.lines == ["# TYPE latency gaugehistogram"]


@pytest.mark.parametrize(("options", "native"), [({"classic": True}, 1), ({"native": False}, 0)])
def test_classic_buckets_are_taken_if_they_are_wanted(options, native):
    page = page_of(family("latency", 4, metric(histogram=histogram(**NATIVE))))
    found = read_protobuf_page(page, LIMITS, **options)
    assert len(found.histograms) == native
    assert found.lines[1:] == [
        "latency_count 3.0", "latency_sum 4.5", 'latency_bucket{le="1.0"} 2.0', 'latency_bucket{le="+Inf"} 3.0',
    ]  # fmt: skip


def test_exemplars_are_read_with_their_time():
    label = wire._LABEL(key=b"trace_id", value=b"t1").SerializeToString()
    time = wire._TIMESTAMP(seconds=12, nanos=500_000_000).SerializeToString()
    data = wire._EXEMPLAR(labels=[label], value=1.5, timestamp=time).SerializeToString()
    found = read_protobuf_page(page_of(family("a_total", 0, metric(counter=number(1.0, data)))), LIMITS)
    (one,) = found.exemplars
    assert (one.series, one.read(NOW)) == (b"a_total", Exemplar(12_500, 1.5, (("trace_id", "t1"),)))


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (page_of(family("a", 0, metric(counter=number(1.0))))[:-1], "the page is cut"),
        (page_of(family("a", 9)), "a has the unknown type 9"),
        (page_of(family("a", 0, metric(gauge=number(1.0)))), "a is a counter and has a metric that is none"),
        (b"\xff", "broken protobuf"),
    ],
)
def test_a_broken_page_is_refused_by_name(page, said):
    with pytest.raises(InvalidInput, match=said):
        read_protobuf_page(page, LIMITS)


def test_too_many_samples_are_refused():
    metrics = [metric(counter=number(1.0))] * 5
    with pytest.raises(LimitExceeded, match="BELVEDERE_MAX_SAMPLES"):
        read_protobuf_page(page_of(family("a", 0, *metrics)), DecodeLimits(max_samples=3))


@pytest.mark.parametrize(
    ("bound", "text"),
    [(1, "1.0"), (0, "0.0"), (0.005, "0.005"), (-2.5, "-2.5"), (1e6, "1e+06"), (123456789, "1.23456789e+08"),
     (0.0001, "0.0001"), (2.5e-5, "2.5e-05"), (1e22, "1e+22"), (float("inf"), "+Inf"), (float("nan"), "NaN")],
)  # fmt: skip
def test_bounds_are_written_as_openmetrics_has_them(bound, text):
    assert bound_text(float(bound)) == text


def normal(labels):
    return tuple((name, bound_text(float(value)) if name in ("le", "quantile") else value) for name, value in labels)


def test_the_page_of_a_real_prometheus_has_the_series_of_its_text():
    body = real(REAL).read_bytes()
    of_text, _ = samples(real("expositions/prometheus/prometheus-3.5.3.prom").read_bytes())
    of_protobuf, _ = samples(read_protobuf_page(body, LIMITS, native=False).text)
    assert set(of_protobuf) == set(map(normal, of_text))


def test_native_histograms_of_a_real_prometheus_count_what_its_buckets_count():
    body = real(REAL).read_bytes()
    classic, _ = samples(read_protobuf_page(body, LIMITS, native=False).text)
    found = read_protobuf_page(body, LIMITS)
    assert len(found.histograms) == 3
    for each in found.histograms:
        counted = np.sum(each.histogram.positive.counts) + each.histogram.zero_count
        name, brace, labels_text = each.series.decode().partition("{")
        (labels,) = samples(f"{name}_count{brace}{labels_text} 1\n".encode())[0]
        assert classic[labels] == each.histogram.count == counted
