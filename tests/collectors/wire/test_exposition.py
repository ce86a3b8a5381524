"""Metrics pages are read as Prometheus reads them, whole pages of real exporters included."""

import contextlib
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from collectors.wire.exposition import is_openmetrics, parse_exposition
from collectors.wire.exposition_series import TargetSeries
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput, LimitExceeded
from telemetry.model.labels import labels_from
from telemetry.model.samples import MetricMetadata
from tests.collectors.wire.real_data import real

LIMITS = DecodeLimits()
NOW = 1_760_000_000_000


def parsed(page, **further):
    text = page.encode() if isinstance(page, str) else page
    return parse_exposition(text, default_timestamp_ms=NOW, limits=LIMITS, **further)


def series(batch):
    return [(dict(batch.decode_key(key)), value) for key, value in zip(batch.keys, batch.values.tolist(), strict=True)]


def one(line, **further):
    ((labels, value),) = series(parsed(line, **further))
    return labels, value


def test_a_page_with_everything_is_read():
    page = (
        "# HELP http_total requests,\\nall of \\\\ them\n# TYPE http_total counter\n"
        'http_total{method="post",code="200"} 1027 1395066363000\n\n'
        "# a comment\n#TYPE is another\n  bare  +Inf \n"
        'quoted { path = "C:\\\\DIR\\\\",error="no \\"such\\"\\nfile, } 5" , } -1.5e3\n'
        "hex 0x1p-2\nnothing NaN"
    )
    batch = parsed(page)
    assert series(batch)[:3] == [
        ({"__name__": "http_total", "code": "200", "method": "post"}, 1027.0),
        ({"__name__": "bare"}, float("inf")),
        ({"__name__": "quoted", "path": "C:\\DIR\\", "error": 'no "such"\nfile, } 5'}, -1500.0),
    ]
    assert batch.values[3] == 0.25
    assert np.isnan(batch.values[4])
    assert batch.timestamps_ms.tolist() == [1395066363000, NOW, NOW, NOW, NOW]
    assert batch.metadata == (MetricMetadata("http_total", "counter", "requests,\nall of \\ them"),)


def test_openmetrics_has_seconds_exemplars_units_and_an_end():
    page = (
        '# TYPE a histogram\n# UNIT a seconds\n# HELP a \\"quoted\\"\n'
        'a_bucket{le="1.0"} 11 1.5 # {trace_id="x # {} y"} 0.67 1520879607.789\na_count 17\n# EOF\n'
    )
    batch = parsed(page, openmetrics=True)
    assert series(batch) == [({"__name__": "a_bucket", "le": "1.0"}, 11.0), ({"__name__": "a_count"}, 17.0)]
    assert batch.timestamps_ms.tolist() == [1500, NOW]
    assert batch.metadata == (MetricMetadata("a", "histogram", '"quoted"', "seconds"),)


def test_names_in_quotes_are_names_too():
    assert one('{"http.server.duration", "service.name"="a"} 1') == (
        {"__name__": "http.server.duration", "service.name": "a"}, 1.0,
    )  # fmt: skip
    assert one('{__name__="m"} 1')[0] == {"__name__": "m"}


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("ok 1\nbad", "line 2"),
        ("ok 1\n\nm 1 2 3", "line 3"),
        ("m one", "line 1: 'one' is not a number"),
        ("m 1_0", "line 1: '1_0' is not a number"),
        ("m 0xzz", "line 1: '0xzz' is not a number"),
        ("m 1 now", "line 1: 'now' is not a timestamp"),
        ("m 1 1_0", "line 1: '1_0' is not a timestamp"),
        ("m{a=b} 1", "line 1"),
        ('m{a="b} 1', "line 1"),
        ('m{a="b"c="d"} 1', "line 1"),
        ('m{a="b",a="c"} 1', "'a' occurs twice"),
        ('0m{a="b"} 1', "'0m' is not a metric name"),
        ('{a="b"} 1', "no metric name"),
        ("# TYPE m thing", "line 1: m has the unknown type"),
        (b'm{a="\xff"} 1', "line 1: a text is not UTF-8"),
        ("m 1 # {a=\"b\"} 1", "line 1"),
    ],
)  # fmt: skip
def test_a_line_that_is_not_understood_is_named(page, said):
    with pytest.raises(InvalidInput, match=said):
        parsed(page)


@pytest.mark.parametrize("page", ["", "m 1\n", "m 1\n# EOF\nm 2\n# EOF\n", "m 1\n# EOF\nm 2\n"])
def test_openmetrics_without_its_end_is_refused(page):
    with pytest.raises(InvalidInput, match="# EOF"):
        parsed(page, openmetrics=True)


def test_target_labels_win_and_the_others_are_kept_as_exported():
    target = TargetSeries(labels_from({"job": "node", "instance": "a:1"}))
    labels, _ = one('m{job="x",exported_job="y",a="b"} 1', target=target)
    assert labels == {
        "__name__": "m", "a": "b", "exported_job": "y", "exported_exported_job": "x", "instance": "a:1", "job": "node",
    }  # fmt: skip


def test_honoured_labels_win_over_those_of_the_target_even_when_empty():
    target = TargetSeries(labels_from({"job": "node", "instance": "a:1"}), honor_labels=True)
    labels, _ = one('m{job="x",instance=""} 1', target=target)
    assert labels == {"__name__": "m", "job": "x"}


def test_keys_of_different_targets_never_share_a_key_space():
    spaces = {
        TargetSeries(labels_from({"job": job}), honor_labels=honor).key_space for job in "ab" for honor in (True, False)
    }
    assert len(spaces) == 4


def test_keys_that_are_known_are_taken_without_a_second_look():
    page = 'm{a="b"} 1\nn 2\nm{a="c"} 3 5\n'
    first = parsed(page)
    again = parsed(page.replace(" 1\n", " 7\n") + "new 4\n", known=frozenset(first.keys))
    assert list(again.keys) == [*first.keys, b"new"]
    assert again.values.tolist() == [7.0, 2.0, 3.0, 4.0]
    assert again.timestamps_ms.tolist() == [NOW, NOW, 5, NOW]
    with pytest.raises(InvalidInput, match="line 2: 'x' is not a number"):
        parsed("\nn x\n", known=frozenset(first.keys))


def test_too_many_samples_are_refused_with_value_and_limit():
    with pytest.raises(LimitExceeded, match=r"3 samples.*limit of 2 \(BELVEDERE_MAX_SAMPLES\)"):
        parse_exposition(b"m 1\n" * 3, default_timestamp_ms=NOW, limits=DecodeLimits(max_samples=2))
    with pytest.raises(LimitExceeded):
        parse_exposition(b"m 1\n" * 3, default_timestamp_ms=NOW, known={b"m"}, limits=DecodeLimits(max_samples=2))


def test_the_content_type_tells_the_format():
    assert is_openmetrics("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert not is_openmetrics("text/plain; version=0.0.4")


values = st.floats(allow_nan=False) | st.integers(0, 10**6).map(float)
label_values = st.text(st.characters(codec="utf-8"), max_size=15)


@given(st.dictionaries(st.tuples(label_values, label_values), values, max_size=8), st.booleans())
def test_what_the_python_client_writes_is_read_back(samples, openmetrics):
    registry = CollectorRegistry()
    gauge = Gauge("g", "some \\ help\n", ["a", "b"], registry=registry)
    for (a, b), value in samples.items():
        gauge.labels(a, b).set(value)
    page = (generate_openmetrics if openmetrics else generate_latest)(registry)
    found = series(parsed(page, openmetrics=openmetrics))
    assert sorted(found, key=repr) == sorted(
        ((dict(labels_from({"__name__": "g", "a": a, "b": b})), value) for (a, b), value in samples.items()), key=repr
    )


def test_counters_and_histograms_of_the_python_client_are_read_with_their_types():
    registry = CollectorRegistry()
    Counter("c", "", registry=registry).inc()
    Histogram("h", "", registry=registry).observe(0.3)
    batch = parsed(generate_openmetrics(registry), openmetrics=True)
    assert {entry.metric: entry.type for entry in batch.metadata} == {"c": "counter", "h": "histogram"}
    assert ({"__name__": "h_bucket", "le": "+Inf"}, 1.0) in series(batch)


@given(st.text(max_size=200) | st.from_regex(r'(\w{1,3}(\{(\w="[^"]*",?)*\})? \S+( \d+)?\n?)*', fullmatch=True))
def test_no_text_raises_anything_but_invalid_input(page):
    for openmetrics in (False, True):
        with contextlib.suppress(InvalidInput):
            batch = parsed(page, openmetrics=openmetrics)
            series(batch)


PAGES = [
    "client_python/app.prom", "client_python/app.om.txt", "node_exporter/node_exporter-1.5.0.prom",
    "node_exporter/node_exporter-1.11.1-scrape1.prom", "prometheus/prometheus-3.5.3.prom",
    "textparse/alltypes.237mfs.nometa.prom.txt", "textparse/alltypes.237mfs.prom.txt",
]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_real_exporters_are_read_whole(name):
    index = json.loads(real("expositions/index.json").read_text())[name]
    batch = parsed(real(f"expositions/{name}").read_bytes(), openmetrics=index["format"] == "openmetrics")
    assert len(batch) == index["samples"]
    types = [entry.type for entry in batch.metadata]
    assert {word: types.count(word) for word in set(types)} == index["types"] or "nometa" in name


@pytest.mark.parametrize("name", [name for name in PAGES if name.endswith("prom")])
def test_real_pages_are_read_as_the_python_client_reads_them(name):
    page = real(f"expositions/{name}").read_text()
    expected = [
        (dict(labels_from({**sample.labels, "__name__": sample.name})), float(sample.value))
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]
    assert sorted(map(repr, series(parsed(page)))) == sorted(map(repr, expected))


@pytest.mark.parametrize("part", ["x", r"\\", "x" + r"\""])
def test_a_label_value_of_megabytes_costs_no_memory_for_each_character(part):
    """A pattern that may go back remembers every step it took, and no other thread runs meanwhile."""
    line = f'm{{a="{part * (1_000_000 // len(part))}"}} 1'.encode()
    tracemalloc.start()
    try:
        parsed(line)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30 * len(line)
