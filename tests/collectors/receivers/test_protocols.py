"""What each protocol stores, and how it names what it refuses while the rest is stored."""

import gzip
import json
from typing import Any

import cramjam
import pytest
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from collectors.receivers.app import ReceiverApp
from collectors.receivers.counters import REFUSED
from fleet.models import AuditEvent, Deployment
from telemetry.store import TelemetryStore
from tests.collectors.receivers.pushes import (
    NOW_MS,
    Answer,
    Sender,
    new_token,
    stored_histograms,
    stored_logs,
    stored_samples,
)
from tests.collectors.wire.encoders import WriteRequest, push_request, write_request

pytestmark = pytest.mark.django_db(transaction=True)

NOW_NS = NOW_MS * 10**6
FAR = NOW_MS + 86_400_000
PROTOBUF, JSON = "application/x-protobuf", "application/json"


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("went past the receivers")


@pytest.fixture
def sender(store: TelemetryStore) -> Sender:
    return Sender(ReceiverApp(nothing), new_token("ingest:metrics", "ingest:logs", "ingest:deploys", "ingest:audits"))


def write(sender: Sender, request: bytes) -> Answer:
    headers = {"content_type": PROTOBUF, "content_encoding": "snappy", "x_prometheus_remote_write_version": "0.1.0"}
    return sender.push("/api/v1/write", bytes(cramjam.snappy.compress_raw(request)), **headers)


def test_remote_write_stores_samples_with_their_labels_exactly(sender: Sender, store: TelemetryStore) -> None:
    labels = {"__name__": "http.total", "job": "api", "path": "ü \n\"'\\", "z.é": "1"}
    assert write(sender, write_request((labels, [(NOW_MS, 1.5), (NOW_MS + 1, 0.0)]))).status == 204
    assert stored_samples(store, "http.total") == [(labels, "api", NOW_MS, 1.5), (labels, "api", NOW_MS + 1, 0.0)]


def test_remote_write_names_refused_samples_and_stores_the_rest(sender: Sender, store: TelemetryStore) -> None:
    request = write_request(
        ({"__name__": "good", "job": "a"}, [(NOW_MS, 1.0)]),
        ({"__name__": "ahead", "job": "a"}, [(FAR, 1.0)]),
        ({"job": "nameless"}, [(NOW_MS, 1.0)]),
        ([("__name__", "twice"), ("a", "1"), ("a", "2")], [(NOW_MS, 1.0)]),
        ([("__name__", "empty"), ("", "1")], [(NOW_MS, 1.0)]),
    )
    answer = write(sender, request)
    assert (answer.status, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert "ahead" in answer.text
    assert "BELVEDERE_FUTURE_SECONDS" in answer.text
    assert "3 samples refused" in answer.text
    assert [row[3] for row in stored_samples(store, "good")] == [1.0]
    assert stored_samples(store, "ahead") == []


def test_remote_write_stores_native_histograms_and_samples_together(sender: Sender, store: TelemetryStore) -> None:
    request = WriteRequest.FromString(
        write_request(({"__name__": "good"}, [(NOW_MS, 1.0)]), ({"__name__": "native"}, []))
    )
    request.timeseries[1].histograms.add(timestamp=NOW_MS, sum=1.5)
    assert write(sender, request.SerializeToString()).status == 204
    assert len(stored_samples(store, "good")) == 1
    [histogram] = stored_histograms(store, "native")
    assert histogram.sum == 1.5


def test_remote_write_refuses_impossible_native_histograms_by_name(sender: Sender, store: TelemetryStore) -> None:
    request = WriteRequest.FromString(
        write_request(({"__name__": "good"}, [(NOW_MS, 1.0)]), ({"__name__": "native"}, []))
    )
    request.timeseries[1].histograms.add(timestamp=NOW_MS, sum=1.0, schema=-9)
    counter = REFUSED.labels("remote_write", "invalid_histogram")
    before = counter._value.get()
    answer = write(sender, request.SerializeToString())
    assert (answer.status, "native" in answer.text) == (400, True)
    assert len(stored_samples(store, "good")) == 1
    assert counter._value.get() == before + 1


def test_remote_write_keeps_metadata(sender: Sender, store: TelemetryStore) -> None:
    assert write(sender, write_request(metadata=[(1, "hits", "how many", "")])).status == 204
    assert [(entry.metric, entry.type) for entry in store.metric_metadata("hits")] == [("hits", "counter")]


def otlp_logs(*times_ns: int) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    one = request.resource_logs.add()
    one.resource.attributes.add(key="service.name").value.string_value = "checkout"
    scope = one.scope_logs.add()
    for time_ns in times_ns:
        scope.log_records.add(time_unix_nano=time_ns, severity_number=9).body.string_value = "hello"
    return request


@pytest.mark.parametrize(
    ("encoding", "pack"), [("", bytes), ("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)]
)
def test_otlp_logs_are_stored_whatever_their_compression(
    sender: Sender, store: TelemetryStore, encoding: str, pack: Any
) -> None:
    body = pack(otlp_logs(NOW_NS + 7).SerializeToString())
    answer = sender.push("/v1/logs", body, content_type=PROTOBUF, content_encoding=encoding)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, PROTOBUF, b"")
    (record,) = stored_logs(store)
    assert (record.body, record.service, record.timestamp_ns) == ("hello", "checkout", NOW_NS + 7)
    assert dict(record.stream) == {"service.name": "checkout"}


def test_otlp_logs_tell_of_partial_success_in_the_encoding_of_the_request(
    sender: Sender, store: TelemetryStore
) -> None:
    request = otlp_logs(NOW_NS, FAR * 10**6)
    answer = sender.push("/v1/logs", request.SerializeToString(), content_type=PROTOBUF)
    partial = ExportLogsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_log_records) == (200, 1)
    assert "BELVEDERE_FUTURE_SECONDS" in partial.error_message
    record = {"timeUnixNano": str(FAR * 10**6), "body": {"stringValue": "x"}}
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    answer = sender.push("/v1/logs", body, content_type=f"{JSON}; charset=utf-8")
    assert json.loads(answer.body)["partialSuccess"]["rejectedLogRecords"] == "1"
    assert len(stored_logs(store)) == 1


def test_otlp_metrics_tell_of_partial_success(sender: Sender, store: TelemetryStore, settings) -> None:
    settings.OTLP_DELTA_STREAMS = 0
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="depth").gauge.data_points.add(time_unix_nano=NOW_NS, as_int=5)
    delta = metrics.add(name="delta").sum
    delta.aggregation_temporality = 1
    delta.data_points.add(time_unix_nano=NOW_NS, as_int=5)
    answer = sender.push("/v1/metrics", request.SerializeToString(), content_type=PROTOBUF)
    partial = ExportMetricsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_data_points) == (200, 1)
    assert "'delta' has delta temporality" in partial.error_message
    assert [row[3] for row in stored_samples(store, "depth")] == [5.0]


def test_otlp_errors_are_a_status_in_the_encoding_of_the_request(sender: Sender) -> None:
    answer = sender.push("/v1/logs", b"{", content_type=JSON)
    assert answer.headers["content-type"] == JSON
    assert (json.loads(answer.body)["code"], "not JSON" in json.loads(answer.body)["message"]) == (3, True)
    answer = sender.push("/v1/logs", b"\x0a\x7f", content_type=PROTOBUF)
    assert (answer.headers["content-type"], answer.body[:2]) == (PROTOBUF, b"\x08\x03")
    assert b"broken protobuf" in answer.body


def test_loki_stores_lines_with_their_labels_exactly(sender: Sender, store: TelemetryStore) -> None:
    request = push_request(('{app="shop", level="warn"}', [(NOW_NS + 1, "a line", {"user": "7"})]))
    answer = sender.push("/loki/api/v1/push", bytes(cramjam.snappy.compress_raw(request)), content_type=PROTOBUF)
    assert (answer.status, answer.body) == (204, b"")
    (record,) = stored_logs(store)
    assert (record.body, record.severity_number, record.attributes) == ("a line", 13, {"user": "7"})
    assert dict(record.stream) == {"app": "shop", "level": "warn"}


def test_loki_names_refused_lines_and_stores_the_rest(sender: Sender, store: TelemetryStore) -> None:
    body = {"streams": [
        {"stream": {"app": "a"}, "values": [[str(NOW_NS), "now"], [str(FAR * 10**6), "tomorrow"]]},
        {"stream": {}, "values": [[str(NOW_NS), "x"], [str(NOW_NS), "y"]]},
    ]}  # fmt: skip
    answer = sender.push("/loki/api/v1/push", json.dumps(body).encode(), content_type=JSON)
    assert answer.status == 400
    assert "2 entries refused: a stream has no labels" in answer.text
    assert "BELVEDERE_FUTURE_SECONDS" in answer.text
    assert [record.body for record in stored_logs(store)] == ["now"]


def test_json_lines_are_stored_and_bad_ones_named(sender: Sender, store: TelemetryStore) -> None:
    body = b'{"event":"good","level":"error","service":"api","n":1}\nbad\n'
    answer = sender.push("/api/logs", body, content_type="application/x-www-form-urlencoded")
    assert answer.status == 400
    told = json.loads(answer.body)
    assert (told["accepted"], told["refused"]) == (1, 1)
    assert "line 2" in told["error"]
    (record,) = stored_logs(store)
    assert (record.body, record.service, record.severity_number, record.attributes) == ("good", "api", 17, {"n": 1})


def test_json_lines_take_the_names_of_fields_and_the_service_from_the_query(
    sender: Sender, store: TelemetryStore
) -> None:
    answer = sender.push("/api/logs?service=cart&message_field=what", b'{"what":"x"}')
    assert json.loads(answer.body) == {"accepted": 1, "refused": 0}
    assert [(record.body, record.service) for record in stored_logs(store)] == [("x", "cart")]


def test_a_pushed_page_belongs_to_the_service_of_its_path(sender: Sender, store: TelemetryStore) -> None:
    page = b"# TYPE done counter\ndone 3\nkept{job=\"other\"} 4\n"  # fmt: skip
    assert sender.push("/api/metrics/night%20job", page, content_type="text/plain; version=0.0.4").status == 204
    ((labels, service, _, value),) = stored_samples(store, "done")
    assert (labels, service, value) == ({"__name__": "done", "job": "night job"}, "night job", 3.0)
    ((labels, service, _, _),) = stored_samples(store, "kept")
    assert (labels["job"], service) == ("other", "night job")


def test_a_deployment_is_recorded_once_with_its_event(sender: Sender) -> None:
    body = json.dumps(
        {"service": "cart", "environment": "prod", "version": "1.2", "commit": "abc", "time": "2026-11-22T10:00:00Z"}
    ).encode()
    first, second = sender.push("/api/deployments", body), sender.push("/api/deployments", body)
    assert (first.status, second.status) == (201, 200)
    deployment = Deployment.objects.get()
    assert (deployment.service.name, deployment.environment.name, deployment.commit) == ("cart", "prod", "abc")
    assert json.loads(first.body)["id"] == deployment.pk
    event = AuditEvent.objects.get(action="deployment.recorded")
    assert event.actor == "token:sender"


def test_a_bound_token_names_the_service_of_a_deployment_itself(store: TelemetryStore) -> None:
    sender = Sender(ReceiverApp(nothing), new_token("ingest:deploys", service="bound"))
    assert sender.push("/api/deployments", b'{"service":"other","version":"1"}').status == 201
    assert Deployment.objects.get().service.name == "bound"


def test_an_audit_is_imported_and_its_counts_told(sender: Sender) -> None:
    report = {"dependencies": [{"name": "django", "version": "3.2.4", "vulns": [
        {"id": "PYSEC-2021-109", "fix_versions": ["3.2.5"], "aliases": [], "description": "x"}]}]}  # fmt: skip
    answer = sender.push("/api/audits?service=cart&environment=prod", json.dumps(report).encode())
    assert answer.status == 201, answer.text
    assert json.loads(answer.body)
