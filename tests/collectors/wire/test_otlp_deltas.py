"""Deltas become totals by stream: nothing is counted twice, nothing out of order, and a restart loses nothing."""

from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collectors.wire.limits import DecodeLimits
from collectors.wire.otlp_deltas import IDLE_SECONDS, DeltaStreams
from collectors.wire.otlp_metrics import decode_otlp_metrics
from collectors.wire.otlp_metrics_json import decode_otlp_metrics_json
from collectors.wire.otlp_options import OtlpOptions

LIMITS = DecodeLimits()
T0 = 1_760_000_000_000


def pair(key: str, text: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=text))


def request(**resource: str) -> tuple[ExportMetricsServiceRequest, object]:
    message = ExportMetricsServiceRequest()
    one = message.resource_metrics.add()
    one.resource.attributes.extend(pair(key, text) for key, text in {"service.name": "shop", **resource}.items())
    scope = one.scope_metrics.add()
    scope.scope.name, scope.scope.version = "lib", "1.2"
    scope.scope.attributes.append(pair("kind", "x"))
    return message, scope


def counted(delta: float, start_s: int, end_s: int, *, name: str = "requests", monotonic: bool = True):
    message, scope = request()
    metric = scope.metrics.add(name=name)
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = 1, monotonic
    metric.sum.data_points.add(
        start_time_unix_nano=(T0 + 1000 * start_s) * 10**6,
        time_unix_nano=(T0 + 1000 * end_s) * 10**6,
        as_double=delta,
        attributes=[pair("path", "/a")],
    )
    return message


def measured(counts: list[int], bounds: list[float], end_s: int):
    message, scope = request()
    metric = scope.metrics.add(name="latency")
    metric.histogram.aggregation_temporality = 1
    metric.histogram.data_points.add(
        start_time_unix_nano=(T0 + 1000 * (end_s - 1)) * 10**6,
        time_unix_nano=(T0 + 1000 * end_s) * 10**6,
        bucket_counts=counts,
        explicit_bounds=bounds,
        count=sum(counts),
        sum=float(sum(counts)),
    )
    return message


def samples(message, options: OtlpOptions) -> list[tuple[str, str, float, float]]:
    """(name, le, seconds after T0, value), and no refusals."""
    decoded = decode_otlp_metrics(message.SerializeToString(), LIMITS, options)
    assert decoded.refusals == ()
    batch = decoded.batch
    labels = [dict(batch.decode_key(batch.keys[at])) for at in batch.key_index]
    return [
        (each["__name__"], each.get("le", ""), (int(at) - T0) / 1000, float(value))
        for each, at, value in zip(labels, batch.timestamps_ms, batch.values, strict=True)
        if each["__name__"] != "target_info"
    ]


def options(most: int = 100, **more) -> OtlpOptions:
    return OtlpOptions(deltas=DeltaStreams(most), **more)


def test_deltas_of_a_sum_are_added_up_from_an_explicit_zero() -> None:
    kept = options()
    assert samples(counted(5, 0, 10), kept) == [("requests_total", "", 0.001, 0.0), ("requests_total", "", 10.0, 5.0)]
    assert samples(counted(2, 10, 20), kept) == [("requests_total", "", 20.0, 7.0)]


def test_a_sum_that_may_fall_stays_a_gauge() -> None:
    kept = options()
    samples(counted(5, 0, 10, monotonic=False), kept)
    assert samples(counted(-2, 10, 20, monotonic=False), kept) == [("requests", "", 20.0, 3.0)]


def test_buckets_count_and_sum_of_a_histogram_are_added_up() -> None:
    kept = options()
    samples(measured([1, 2, 3], [0.1, 1.0], 1), kept)
    assert samples(measured([1, 0, 1], [0.1, 1.0], 2), kept) == [
        ("latency_bucket", "0.1", 2.0, 2.0),
        ("latency_bucket", "1", 2.0, 4.0),
        ("latency_bucket", "+Inf", 2.0, 8.0),
        ("latency_count", "", 2.0, 8.0),
        ("latency_sum", "", 2.0, 8.0),
    ]


def test_a_histogram_with_other_bounds_begins_anew() -> None:
    kept = options()
    samples(measured([1, 2, 3], [0.1, 1.0], 1), kept)
    found = samples(measured([4, 5], [0.5], 2), kept)
    assert ("latency_count", "", 1.001, 0.0) in found
    assert ("latency_count", "", 2.0, 9.0) in found


def test_a_point_that_is_sent_again_is_not_added_again() -> None:
    kept = options()
    first = samples(counted(5, 0, 10), kept)
    assert samples(counted(5, 0, 10), kept) == first
    assert samples(counted(1, 10, 20), kept)[-1][3] == 6.0


def test_an_older_point_is_refused_by_name() -> None:
    kept = options()
    samples(counted(5, 10, 20), kept)
    decoded = decode_otlp_metrics(counted(5, 0, 10).SerializeToString(), LIMITS, kept)
    assert [refusal.reason for refusal in decoded.refusals] == ["delta_out_of_order"]
    assert "'requests' was refused" in decoded.refusals[0].message
    assert samples(counted(1, 20, 30), kept)[-1][3] == 6.0


def test_streams_are_bounded_and_silent_ones_make_room() -> None:
    now = [0.0]
    kept = OtlpOptions(deltas=DeltaStreams(1, clock=lambda: now[0]))
    samples(counted(5, 0, 10), kept)
    decoded = decode_otlp_metrics(counted(5, 0, 10, name="other").SerializeToString(), LIMITS, kept)
    assert [refusal.reason for refusal in decoded.refusals] == ["too_many_delta_streams"]
    assert "the limit is 1 (BELVEDERE_OTLP_DELTA_STREAMS)" in decoded.refusals[0].message
    now[0] = IDLE_SECONDS + 1
    assert samples(counted(5, 0, 10, name="other"), kept)


def test_senders_that_are_bound_to_services_do_not_share_streams() -> None:
    streams = DeltaStreams(10)
    samples(counted(5, 0, 10), OtlpOptions(deltas=streams, sender=b"a"))
    assert samples(counted(2, 10, 20), OtlpOptions(deltas=streams, sender=b"b"))[-1][3] == 2.0


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=20), st.integers(0, 20))
def test_the_increase_over_everything_is_the_sum_of_all_deltas_also_across_a_restart(deltas, restart: int) -> None:
    kept, seen = options(), []
    for second, delta in enumerate(deltas):
        if second == restart:
            kept = options()  # a new process knows nothing
        seen += [value for *_, value in samples(counted(delta, second, second + 1), kept)]
    pairs = zip([0.0, *seen], seen, strict=False)
    assert sum(later - earlier if later >= earlier else later for earlier, later in pairs) == sum(deltas)


def test_resource_attributes_are_promoted_and_scopes_told_where_the_settings_say_so() -> None:
    message, scope = request(**{"deployment.environment": "prod", "host.name": "h1"})
    scope.metrics.add(name="depth").gauge.data_points.add(time_unix_nano=T0 * 10**6, as_int=1)
    wanted = OtlpOptions(promoted=frozenset({"deployment.environment"}), scope_labels=True)
    in_json = json_format.MessageToJson(message).encode()
    for decoded in (
        decode_otlp_metrics(message.SerializeToString(), LIMITS, wanted),
        decode_otlp_metrics_json(in_json, LIMITS, wanted),
    ):
        labels = [dict(decoded.batch.decode_key(key)) for key in decoded.batch.keys]
        assert {"__name__": "depth", "job": "shop", "deployment_environment": "prod", "otel_scope_name": "lib",
                "otel_scope_version": "1.2", "otel_scope_kind": "x"} in labels  # fmt: skip
        assert {"__name__": "target_info", "job": "shop", "deployment_environment": "prod", "host_name": "h1"} in labels
    everything = decode_otlp_metrics(message.SerializeToString(), LIMITS, OtlpOptions(promoted=frozenset("*")))
    assert dict(everything.batch.decode_key(everything.batch.keys[0]))["host_name"] == "h1"


def exponential(counts: list[int], end_s: int, *, scale: int = 0, zeros: int = 0):
    message, scope = request()
    metric = scope.metrics.add(name="latency")
    metric.exponential_histogram.aggregation_temporality = 1
    point = metric.exponential_histogram.data_points.add(
        start_time_unix_nano=(T0 + 1000 * (end_s - 1)) * 10**6,
        time_unix_nano=(T0 + 1000 * end_s) * 10**6,
        count=sum(counts) + zeros,
        sum=float(sum(counts)),
        scale=scale,
        zero_count=zeros,
    )
    point.positive.bucket_counts.extend(counts)
    return message


def totals(message, given: OtlpOptions) -> list[tuple[float, int, float, float, list[float]]]:
    """(seconds after T0, schema, count, sum, buckets) of native histograms, and no refusals."""
    decoded = decode_otlp_metrics(message.SerializeToString(), LIMITS, given)
    assert decoded.refusals == ()
    batch = decoded.histograms
    assert batch is not None
    return [
        ((int(at) - T0) / 1000, one.schema, one.count, one.sum, one.positive.counts.tolist())
        for at, one in zip(batch.timestamps_ms, batch.histograms, strict=True)
    ]


def test_exponential_histograms_are_summed_up_bucket_by_bucket() -> None:
    given = options()
    assert totals(exponential([1, 2], 1), given) == [(0.001, 0, 0.0, 0.0, []), (1.0, 0, 3.0, 3.0, [1.0, 2.0])]
    assert totals(exponential([0, 1, 4], 2), given) == [(2.0, 0, 8.0, 8.0, [1.0, 3.0, 4.0])]
    assert totals(exponential([0, 1, 4], 2), given) == [(2.0, 0, 8.0, 8.0, [1.0, 3.0, 4.0])]  # sent again


def test_exponential_histograms_of_different_scales_meet_at_the_lower_one() -> None:
    given = options()
    totals(exponential([1, 1, 1, 1], 1, scale=1), given)
    assert totals(exponential([5, 6], 2), given) == [(2.0, 0, 15.0, 15.0, [7.0, 8.0])]


def test_an_exponential_histogram_that_is_older_is_refused_by_name() -> None:
    given = options()
    totals(exponential([1], 5), given)
    refused = decode_otlp_metrics(exponential([1], 3).SerializeToString(), LIMITS, given)
    assert [refusal.reason for refusal in refused.refusals] == ["delta_out_of_order"]
    assert refused.histograms is None


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), min_size=1, max_size=6))
def test_the_last_total_counts_every_delta_of_an_exponential_histogram(deltas: list[list[int]]) -> None:
    streams = options()
    for at, counts in enumerate(deltas, 1):
        last = totals(exponential(counts, at, zeros=1), streams)[-1]
    assert last[2] == sum(map(sum, deltas)) + len(deltas)
    assert sum(last[4]) == sum(map(sum, deltas))
