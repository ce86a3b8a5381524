"""OTLP metrics become Prometheus series by the compatibility rules; what cannot be one is refused by name."""

import contextlib
import json

import numpy as np
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collectors.wire.limits import DecodeLimits
from collectors.wire.otlp_metrics import decode_otlp_metrics
from collectors.wire.otlp_metrics_json import decode_otlp_metrics_json
from collectors.wire.otlp_names import label_name, metric_name
from collectors.wire.otlp_points import number_text
from telemetry.model.errors import InvalidInput, LimitExceeded
from telemetry.model.samples import MetricMetadata, is_stale
from tests.collectors.wire.real_data import captured, real

LIMITS = DecodeLimits()
NOW = 1_760_000_000_000
CUMULATIVE, DELTA = 2, 1


def pairs(**attributes):
    return [KeyValue(key=key.replace("__", "."), value=AnyValue(string_value=text)) for key, text in attributes.items()]


def request_of(*metrics, **resource):
    request = ExportMetricsServiceRequest()
    one = request.resource_metrics.add()
    one.resource.attributes.extend(pairs(**resource))
    scope = one.scope_metrics.add()
    for fill in metrics:
        fill(scope.metrics.add())
    return request


def gauge(name, *values, unit="", **attributes):
    def fill(metric):
        metric.name, metric.unit = name, unit
        for i, value in enumerate(values):
            metric.gauge.data_points.add(
                time_unix_nano=(NOW + i) * 10**6, as_double=value, attributes=pairs(**attributes)
            )

    return fill


def total(name, value, *, monotonic=True, temporality=CUMULATIVE, unit=""):
    def fill(metric):
        metric.name, metric.unit = name, unit
        metric.sum.is_monotonic, metric.sum.aggregation_temporality = monotonic, temporality
        metric.sum.data_points.add(time_unix_nano=NOW * 10**6, as_int=value)

    return fill


def decoded(request):
    """The result of the protobuf decoder, which that of the JSON decoder must equal."""
    result = decode_otlp_metrics(request.SerializeToString(), LIMITS)
    in_json = decode_otlp_metrics_json(json_format.MessageToJson(request).encode(), LIMITS)
    assert series_of(in_json.batch) == series_of(result.batch)
    assert in_json.refusals == result.refusals
    assert in_json.batch.metadata == result.batch.metadata
    return result


def series_of(batch):
    return [
        (dict(batch.decode_key(batch.keys[i])), int(timestamp), str(value))
        for i, timestamp, value in zip(batch.key_index, batch.timestamps_ms, batch.values, strict=True)
    ]


def names_and_values(batch):
    return {
        labels["__name__"] + (f" {labels['le']}" if "le" in labels else ""): float(value)
        for labels, _, value in series_of(batch)
    }


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("http.server.duration", "s", "histogram", "http_server_duration_seconds"),
        ("requests", "", "counter", "requests_total"),
        ("requests_total", "", "counter", "requests_total"),
        ("cpu_seconds_total", "s", "counter", "cpu_seconds_total"),
        ("cpu_usage", "1", "gauge", "cpu_usage_ratio"),
        ("cpu_usage_ratio", "1", "gauge", "cpu_usage_ratio"),
        ("items", "1", "counter", "items_total"),
        ("requests", "1/s", "gauge", "requests_per_second"),
        ("requests", "1/s", "counter", "requests_per_second_total"),
        ("throughput", "By/s", "gauge", "throughput_bytes_per_second"),
        ("custom_metric", "custom_unit", "gauge", "custom_metric_custom_unit"),
        ("custom_metric", "{custom}", "gauge", "custom_metric"),
        ("custom_metric", "By/{custom}", "gauge", "custom_metric_bytes"),
        ("custom", "unit@with#special/chars", "gauge", "custom_unit_with_special_per_chars"),
        ("metric__with__many", "unit__many", "gauge", "metric_with_many_unit_many"),
        ("123.requests", "", "gauge", "_123_requests"),
        ("a:b", "", "gauge", "a:b"),
    ],
)
def test_names_follow_the_compatibility_rules(name, unit, kind, expected):
    assert metric_name(name, unit, counter=kind == "counter", gauge=kind == "gauge") == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("http.method", "http_method"),
        ("1st", "key_1st"),
        ("_private", "key_private"),
        ("__name__", "__name__"),
        ("a", "a"),
    ],
)
def test_attribute_keys_become_label_names(key, expected):
    assert label_name(key) == expected


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.005, "0.005"), (1.0, "1"), (1e21, "1" + "0" * 21), (1e-7, "0.0000001"), (float("inf"), "+Inf"), (-2.5, "-2.5")],
)
def test_bounds_are_written_without_an_exponent(number, text):
    assert number_text(number) == text


def test_a_gauge_keeps_its_values_and_attributes():
    batch = decoded(request_of(gauge("room.temp", 20.5, 21.0, unit="Cel", room="kitchen", host__name="n1"))).batch
    labels = {"__name__": "room_temp_celsius", "room": "kitchen", "host_name": "n1"}
    assert series_of(batch) == [(labels, NOW, "20.5"), (labels, NOW + 1, "21.0")]
    assert batch.metadata == (MetricMetadata("room_temp_celsius", "gauge", "", "Cel"),)


def test_a_monotonic_sum_is_a_counter_and_any_other_a_gauge():
    batch = decoded(request_of(total("hits", 7), total("depth", -2, monotonic=False))).batch
    assert names_and_values(batch) == {"hits_total": 7.0, "depth": -2.0}
    assert [entry.type for entry in batch.metadata] == ["counter", "gauge"]


def test_delta_values_are_refused_by_name_and_the_rest_is_kept():
    result = decoded(request_of(total("d", 1, temporality=DELTA), total("n", 1, temporality=0), total("c", 3)))
    assert names_and_values(result.batch) == {"c_total": 3.0}
    assert [(r.reason, r.count) for r in result.refusals] == [("delta_temporality", 1)] * 2
    assert "'d' has delta temporality" in result.refusals[0].message


def test_a_histogram_becomes_cumulative_buckets_sum_and_count():
    def fill(metric):
        metric.name, metric.unit = "latency", "s"
        metric.histogram.aggregation_temporality = CUMULATIVE
        metric.histogram.data_points.add(
            time_unix_nano=NOW * 10**6, count=6, sum=7.5, bucket_counts=[1, 2, 3], explicit_bounds=[0.5, 1.0]
        )

    assert names_and_values(decoded(request_of(fill)).batch) == {
        "latency_seconds_bucket 0.5": 1.0, "latency_seconds_bucket 1": 3.0, "latency_seconds_bucket +Inf": 6.0,
        "latency_seconds_count": 6.0, "latency_seconds_sum": 7.5,
    }  # fmt: skip


def test_a_histogram_without_buckets_or_sum_still_has_its_count():
    def fill(metric):
        metric.name = "latency"
        metric.histogram.aggregation_temporality = CUMULATIVE
        metric.histogram.data_points.add(time_unix_nano=NOW * 10**6, count=6)

    found = names_and_values(decoded(request_of(fill)).batch)
    assert found == {"latency_bucket +Inf": 6.0, "latency_count": 6.0}


@pytest.mark.parametrize(("counts", "bounds"), [([1, 2], [1.0, 2.0]), ([1, 2, 3], [2.0, 1.0]), ([1, 2, 3], [1.0, 1.0])])
def test_a_histogram_whose_buckets_make_no_sense_is_refused(counts, bounds):
    def fill(metric):
        metric.name = "latency"
        metric.histogram.aggregation_temporality = CUMULATIVE
        metric.histogram.data_points.add(time_unix_nano=1, count=6, bucket_counts=counts, explicit_bounds=bounds)

    result = decoded(request_of(fill, gauge("g", 1.0)))
    assert names_and_values(result.batch) == {"g": 1.0}
    assert [refusal.reason for refusal in result.refusals] == ["invalid_point"]


def test_a_summary_becomes_quantiles_sum_and_count():
    def fill(metric):
        metric.name = "rpc"
        point = metric.summary.data_points.add(time_unix_nano=NOW * 10**6, count=4, sum=10.0)
        point.quantile_values.add(quantile=0.99, value=3.5)

    batch = decoded(request_of(fill)).batch
    assert ({"__name__": "rpc", "quantile": "0.99"}, NOW, "3.5") in series_of(batch)
    assert names_and_values(batch) == {"rpc": 3.5, "rpc_count": 4.0, "rpc_sum": 10.0}


def exponential(**point):
    def fill(metric):
        metric.name, metric.unit = "latency", "s"
        metric.exponential_histogram.aggregation_temporality = CUMULATIVE
        found = metric.exponential_histogram.data_points.add(time_unix_nano=NOW * 10**6)
        for side in ("positive", "negative"):
            offset, counts = point.pop(side, (0, []))
            getattr(found, side).offset = offset
            getattr(found, side).bucket_counts.extend(counts)
        for name, value in point.items():
            setattr(found, name, value)

    return fill


def test_an_exponential_histogram_becomes_a_native_one_whose_buckets_are_numbered_by_their_end():
    result = decoded(
        request_of(exponential(count=9, sum=7.5, scale=3, zero_count=2, positive=(-1, [1, 0, 3]), negative=(4, [3])))
    )
    [histogram] = result.histograms.histograms
    assert (histogram.schema, histogram.count, histogram.sum, histogram.zero_count) == (3, 9.0, 7.5, 2.0)
    assert histogram.zero_threshold == 1e-128
    assert (histogram.positive.indices.tolist(), histogram.positive.counts.tolist()) == ([0, 2], [1.0, 3.0])
    assert (histogram.negative.indices.tolist(), histogram.negative.counts.tolist()) == ([5], [3.0])
    labels = dict(result.histograms.decode_key(result.histograms.keys[0]))
    assert labels["__name__"] == "latency_seconds"
    assert [entry.type for entry in result.batch.metadata] == ["histogram"]


def test_an_exponential_histogram_finer_than_schema_8_is_added_up_to_it():
    [histogram] = decoded(request_of(exponential(count=4, scale=10, positive=(0, [1, 1, 1, 1])))).histograms.histograms
    assert (histogram.schema, histogram.positive.indices.tolist()) == (8, [1])
    assert histogram.positive.counts.tolist() == [4.0]


def test_an_exponential_histogram_coarser_than_schema_minus_4_is_refused_by_name():
    result = decoded(request_of(exponential(count=4, scale=-5), gauge("g", 1.0)))
    assert result.histograms is None
    [refusal] = result.refusals
    assert "'latency' has the scale -5" in refusal.message


def test_an_exponential_histogram_without_a_recorded_value_is_a_staleness_marker():
    [histogram] = decoded(request_of(exponential(flags=1))).histograms.histograms
    assert is_stale(np.array([histogram.sum])).all()


def test_points_without_a_value_and_metrics_without_a_name_are_refused():
    def no_value(metric):
        metric.name = "empty"
        metric.gauge.data_points.add(time_unix_nano=1)

    result = decoded(request_of(no_value, gauge("@#", 1.0), lambda metric: setattr(metric, "name", "bare")))
    assert len(result.batch) == 0
    assert [refusal.reason for refusal in result.refusals] == ["invalid_point", "invalid_name"]


def test_no_recorded_value_becomes_a_staleness_marker():
    def fill(metric):
        metric.name = "g"
        metric.gauge.data_points.add(time_unix_nano=NOW * 10**6, flags=1)

    assert is_stale(decoded(request_of(fill)).batch.values).all()


def test_the_resource_becomes_job_instance_and_target_info():
    identity = {"service__name": "checkout", "service__namespace": "shop", "service__instance__id": "i-1"}
    batch = decoded(request_of(gauge("g", 1.0, 2.0), **identity, service__version="1.4.2")).batch
    assert series_of(batch)[0][0] == {
        "__name__": "g",
        "instance": "i-1",
        "job": "shop/checkout",
    }
    assert series_of(batch)[-1] == (
        {"__name__": "target_info", "instance": "i-1", "job": "shop/checkout", "service_version": "1.4.2"},
        NOW + 1,
        "1.0",
    )


def test_a_resource_that_says_nothing_more_has_no_target_info():
    batch = decoded(request_of(gauge("g", 1.0), service__name="checkout")).batch
    assert series_of(batch) == [({"__name__": "g", "job": "checkout"}, NOW, "1.0")]
    assert len(decoded(request_of(gauge("g", 1.0), host__name="n1")).batch) == 1


def test_attributes_whose_names_fall_together_are_joined_in_order():
    request = request_of(gauge("g", 1.0))
    point = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]
    point.attributes.extend([KeyValue(key=key, value=AnyValue(string_value=key)) for key in ("a_b", "a.b", "job")])
    request.resource_metrics[0].resource.attributes.extend(pairs(service__name="s"))
    ((labels, _, _),) = series_of(decoded(request).batch)
    assert labels == {"__name__": "g", "a_b": "a.b;a_b", "job": "s"}


def test_values_that_are_no_text_are_labels_in_json():
    request = request_of(gauge("g", 1.0))
    point = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]
    point.attributes.extend(
        [KeyValue(key="n", value=AnyValue(int_value=-5)), KeyValue(key="b", value=AnyValue(bool_value=True))]
    )
    ((labels, _, _),) = series_of(decoded(request).batch)
    assert labels == {"__name__": "g", "n": "-5", "b": "true"}


def test_a_metric_of_a_kind_that_is_not_known_is_refused():
    metric = b"\x0a\x01x\x6a\x00"
    request = b"\x0a\x09\x12\x07\x12\x05" + metric
    (refusal,) = decode_otlp_metrics(request, LIMITS).refusals
    assert (refusal.reason, "'x'" in refusal.message) == ("unknown_kind", True)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_invalid_input(data):
    with contextlib.suppress(InvalidInput):
        batch = decode_otlp_metrics(data, LIMITS).batch
        for key in batch.keys:
            batch.decode_key(key)


@given(st.data())
def test_damaged_requests_raise_nothing_but_invalid_input(data):
    request = bytearray(
        request_of(gauge("g", 1.0, a="b"), total("c", 5), service__name="s", host__name="h").SerializeToString()
    )
    for _ in range(3):
        request[data.draw(st.integers(0, len(request) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidInput):
        batch = decode_otlp_metrics(bytes(request), LIMITS).batch
        for key in batch.keys:
            batch.decode_key(key)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["resourceMetrics", "resource", "scopeMetrics", "metrics", "name", "unit", "gauge", "sum",
                         "histogram", "summary", "dataPoints", "asDouble", "asInt", "timeUnixNano", "attributes", "key",
                         "value", "stringValue", "isMonotonic", "aggregationTemporality", "bucketCounts"]),
        inner, max_size=4),
    max_leaves=25,
)  # fmt: skip


@given(json_values, st.sampled_from(["", "resourceMetrics", "metrics", "gauge"]))
def test_no_json_raises_anything_but_invalid_input(document, wrapped):
    if wrapped in ("metrics", "gauge"):
        metric = {"name": "m", "gauge": {"dataPoints": document}} if wrapped == "gauge" else document
        document = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    elif wrapped:
        document = {wrapped: document}
    with contextlib.suppress(InvalidInput):
        decode_otlp_metrics_json(json.dumps(document).encode(), LIMITS)


def test_too_many_points_are_refused_with_value_and_limit():
    few = DecodeLimits(max_samples=3)
    for request in (request_of(gauge("g", *[1.0] * 4)), request_of(gauge("g", 1.0, 2.0), gauge("h", 1.0, 2.0))):
        with pytest.raises(LimitExceeded, match=r"limit of 3 \(BELVEDERE_MAX_SAMPLES\)"):
            decode_otlp_metrics(request.SerializeToString(), few)
        with pytest.raises(LimitExceeded, match=r"limit of 3 \(BELVEDERE_MAX_SAMPLES\)"):
            decode_otlp_metrics_json(json_format.MessageToJson(request).encode(), few)


def test_what_a_real_sdk_sends_is_read():
    ((_, body),) = [one for one in captured("otlp/captures") if one[0]["path"] == "/v1/metrics"]
    result = decode_otlp_metrics(body, LIMITS)
    found = names_and_values(result.batch)
    assert found["queue_length"] == 8.0
    assert found["room_temperature_celsius"] == 22.3
    assert found["http_server_request_duration_seconds_count"] == 24.0
    assert found["target_info"] == 1.0
    assert result.refusals == ()
    assert result.histograms is not None
    assert np.isfinite(result.batch.values).all()


def test_the_examples_of_the_specification_are_read():
    result = decode_otlp_metrics_json(real("otlp/proto-examples/examples/metrics.json").read_bytes(), LIMITS)
    assert names_and_values(result.batch) == {"my_gauge_ratio": 10.0}
    assert [r.reason for r in result.refusals] == ["delta_temporality"] * 3
