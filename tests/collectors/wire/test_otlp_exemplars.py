"""Exemplars of OTLP points stand beside the series that they are of, and name their trace."""

import json

import pytest
from google.protobuf import json_format
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collectors.wire.limits import DecodeLimits
from collectors.wire.otlp_metrics import decode_otlp_metrics
from collectors.wire.otlp_metrics_json import decode_otlp_metrics_json
from telemetry.model.errors import InvalidInput, LimitExceeded
from telemetry.model.exemplars import Exemplar
from tests.collectors.wire.test_otlp_metrics import CUMULATIVE, NOW, request_of

LIMITS = DecodeLimits()
TRACE, SPAN = bytes(range(16)), bytes(range(8))
IDS = (("span_id", SPAN.hex()), ("trace_id", TRACE.hex()))


def exemplar(point, value=1.5, *, at_ms=NOW - 5, ids=(TRACE, SPAN), **attributes):
    pairs = [KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in attributes.items()]
    point.exemplars.add(
        time_unix_nano=at_ms * 10**6, as_double=value, trace_id=ids[0], span_id=ids[1], filtered_attributes=pairs
    )


def counter(*exemplars):
    def fill(metric):
        metric.name = "orders"
        metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, CUMULATIVE
        point = metric.sum.data_points.add(time_unix_nano=NOW * 10**6, as_int=7)
        for each in exemplars:
            exemplar(point, **each)

    return fill


def found(decoded):
    """(labels of the series without job, exemplar) of every exemplar."""
    batch = decoded.exemplars
    series = [dict(batch.decode_key(key)) for key in batch.keys]
    return [(series[at], one) for at, one in zip(batch.key_index, batch.exemplars, strict=True)]


def decode(*fills, limits=LIMITS):
    return decode_otlp_metrics(request_of(*fills).SerializeToString(), limits)


def test_an_exemplar_of_a_sum_has_its_trace_and_its_attributes():
    ((series, one),) = found(decode(counter({"user": "ada"})))
    assert series == {"__name__": "orders_total"}
    assert one == Exemplar(NOW - 5, 1.5, (*IDS, ("user", "ada")))


def test_an_exemplar_without_a_time_gets_that_of_its_point_and_ids_of_zeros_are_none():
    ((_, one),) = found(decode(counter({"at_ms": 0, "ids": (b"\0" * 16, b"")})))
    assert one == Exemplar(NOW, 1.5, ())


def test_attributes_give_way_where_labels_would_be_too_long():
    ((_, one),) = found(decode(counter({"user": "a" * 100})))
    assert one.labels == IDS


def test_ids_that_are_too_long_are_refused_by_name_and_the_sample_is_taken():
    result = decode(counter({"ids": (b"\1" * 100, SPAN)}))
    assert (len(result.batch), result.exemplars) == (1, None)
    assert [(refusal.reason, refusal.count) for refusal in result.refusals] == [("invalid_exemplar", 1)]
    assert "the limit is 128" in result.refusals[0].message


def test_exemplars_of_a_histogram_stand_for_the_bucket_that_they_fell_into():
    def fill(metric):
        metric.name = "latency"
        metric.histogram.aggregation_temporality = CUMULATIVE
        point = metric.histogram.data_points.add(
            time_unix_nano=NOW * 10**6, count=3, sum=4, explicit_bounds=[1, 2], bucket_counts=[1, 1, 1]
        )
        for value in (0.5, 1.0, 1.5, 7.0):
            exemplar(point, value)

    assert [(series["le"], one.value) for series, one in found(decode(fill))] == [
        ("1", 0.5), ("1", 1.0), ("2", 1.5), ("+Inf", 7.0),
    ]  # fmt: skip


def test_exemplars_of_an_exponential_histogram_stand_beside_it():
    def fill(metric):
        metric.name = "latency"
        metric.exponential_histogram.aggregation_temporality = CUMULATIVE
        point = metric.exponential_histogram.data_points.add(time_unix_nano=NOW * 10**6, count=1, sum=4, scale=0)
        point.positive.offset = 1
        point.positive.bucket_counts.append(1)
        exemplar(point, 4.0)

    ((series, one),) = found(decode(fill))
    assert (series, one.value) == ({"__name__": "latency"}, 4.0)


def test_json_says_the_same_with_hexadecimal_ids():
    request = request_of(counter({"user": "ada"}))
    document = json.loads(json_format.MessageToJson(request))
    point = document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["sum"]["dataPoints"][0]
    point["exemplars"][0] |= {"traceId": TRACE.hex().upper(), "spanId": SPAN.hex()}
    in_json = decode_otlp_metrics_json(json.dumps(document).encode(), LIMITS)
    assert found(in_json) == found(decode_otlp_metrics(request.SerializeToString(), LIMITS))
    point["exemplars"][0]["traceId"] = "no id"
    with pytest.raises(InvalidInput, match="the traceId of an exemplar is not hexadecimal: 'no id'"):
        decode_otlp_metrics_json(json.dumps(document).encode(), LIMITS)


def test_exemplars_are_limited_as_samples_are():
    with pytest.raises(LimitExceeded, match="BELVEDERE_MAX_SAMPLES"):
        decode(counter(*({"value": float(value)} for value in range(4))), limits=DecodeLimits(max_samples=3))
