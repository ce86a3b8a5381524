"""Real senders and raw sockets against the front and the receivers behind the real HTTP server."""

import logging
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import logging_loki
import pytest
import requests
import uvicorn
from elasticsearch import Elasticsearch, helpers
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from collectors.receivers.app import ReceiverApp
from dashboard.front import Front
from dashboard.front_groups import route_groups
from dashboard.runtime.server import configuration
from telemetry.store import TelemetryStore
from tests.collectors.receivers.pushes import new_token, stored_logs, stored_samples

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.peer]

RESOURCE = Resource.create({"service.name": "checkout", "service.version": "1.4.2"})


async def missing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@dataclass
class Running:
    """The server, and a token that may push everything."""

    port: int
    authorization: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def headers(self) -> dict[str, str]:
        return {"authorization": self.authorization}

    def raw(self, head: str, *parts: bytes, timeout: float = 10) -> bytes:
        """Everything that is answered to bytes on a socket, until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode())
            for part in parts:
                connection.sendall(part)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received


@pytest.fixture
def running(store: TelemetryStore) -> Iterator[Running]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = configuration(Front(ReceiverApp(missing)))
    config.lifespan = "off"
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield Running(listening.getsockname()[1], new_token("ingest:metrics", "ingest:logs"))
    server.should_exit = True
    thread.join()
    listening.close()


def eventually(found: Callable[[], Any], seconds: float = 30) -> Any:
    """What `found` gives as soon as it is something, or its last answer."""
    deadline = time.monotonic() + seconds
    while not (result := found()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return result


def test_the_opentelemetry_sdk_exports_logs(running: Running, store: TelemetryStore) -> None:
    provider = LoggerProvider(resource=RESOURCE)
    exporter = OTLPLogExporter(
        endpoint=f"{running.url}/v1/logs", headers=running.headers(), compression=Compression.Gzip
    )
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = logging.getLogger("shop.sdk")
    logger.propagate = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.addHandler(LoggingHandler(logger_provider=provider))
    logger.warning("order %s is late", 17, extra={"order_id": 17})
    provider.shutdown()
    (record,) = stored_logs(store)
    assert (record.body, record.severity_number, record.service) == ("order 17 is late", 13, "checkout")
    assert record.attributes["order_id"] == 17
    assert dict(record.stream)["service.version"] == "1.4.2"


def test_the_opentelemetry_sdk_exports_metrics(running: Running, store: TelemetryStore) -> None:
    exporter = OTLPMetricExporter(endpoint=f"{running.url}/otlp/v1/metrics", headers=running.headers())
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=60_000)
    provider = MeterProvider(resource=RESOURCE, metric_readers=[reader])
    meter = provider.get_meter("shop")
    counter = meter.create_counter("http.server.requests", unit="{request}")
    duration = meter.create_histogram("http.server.request.duration", unit="s")
    for _ in range(3):
        counter.add(1, {"http.route": "/checkout"})
        duration.record(0.2)
    provider.shutdown()
    ((labels, service, _, value),) = stored_samples(store, "http_server_requests_total")
    assert (labels["http_route"], labels["job"], service, value) == ("/checkout", "checkout", "checkout", 3.0)
    ((_, _, _, count),) = stored_samples(store, "http_server_request_duration_seconds_count")
    assert count == 3.0
    assert len(stored_samples(store, "target_info")) == 1


def test_python_logging_loki_pushes_with_a_basic_password(running: Running, store: TelemetryStore) -> None:
    handler = logging_loki.LokiHandler(
        url=f"{running.url}/loki/api/v1/push",
        tags={"service": "shop"},
        auth=("anyone", running.authorization.removeprefix("Bearer ")),
        version="1",
    )
    logger = logging.getLogger("shop.loki")
    logger.propagate = False
    logger.addHandler(handler)
    logger.error("card declined")
    (record,) = stored_logs(store)
    assert (record.body, record.service, record.severity_number) == ("card declined", "shop", 17)


def test_prometheus_writes_what_it_scrapes(running: Running, store: TelemetryStore, tmp_path: Path) -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("there is no prometheus on this machine (Debian package `prometheus`)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: prometheus, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
remote_write:
- url: {running.url}/api/v1/write
  authorization: {{credentials: {running.authorization.removeprefix("Bearer ")}}}
  queue_config: {{batch_send_deadline: 1s}}
  metadata_config: {{send_interval: 1s}}
""")
    arguments = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    process = subprocess.Popen(
        [prometheus, *arguments, f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL
    )
    try:
        rows = eventually(lambda: stored_samples(store, "up"))
        metadata = eventually(lambda: store.metric_metadata("prometheus_build_info"))
    finally:
        process.terminate()
        process.wait()
    labels, service, _, value = rows[0]
    assert (labels, service) == (
        {"__name__": "up", "instance": f"127.0.0.1:{port}", "job": "prometheus"},
        "prometheus",
    )
    assert value in (0.0, 1.0)
    assert [entry.type for entry in metadata] == ["gauge"]


def test_a_sender_of_too_much_gets_its_answer_and_not_a_reset(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route_groups()["ingest"], "max_bytes", 100_000)
    answer = requests.post(f"{running.url}/api/v1/write", data=b"x" * 4_000_000, headers=running.headers(), timeout=30)
    assert answer.status_code == 413
    assert "4,000,000 bytes; the limit is 100,000 (BELVEDERE_MAX_BODY_BYTES)" in answer.text

    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 10_000

    answer = requests.post(f"{running.url}/api/v1/write", data=endless(), headers=running.headers(), timeout=30)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


def test_a_sender_that_waits_for_100_is_refused_before_it_sends_the_body(running: Running) -> None:
    head = "POST /v1/logs HTTP/1.1\nHost: x\nContent-Length: 1000\nExpect: 100-continue\n\n"
    answer = running.raw(head)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"100 Continue" not in answer


def test_a_sender_that_waits_for_100_may_go_on_when_its_token_is_good(running: Running) -> None:
    head = (
        "POST /v1/logs HTTP/1.1\nHost: x\nContent-Length: 2\nContent-Type: application/json\nConnection: close\n"
        f"Authorization: {running.authorization}\nExpect: 100-continue\n\n"
    )
    answer = running.raw(head, b"{}")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_half_a_body_is_answered_408_and_the_place_given_back(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = route_groups()["ingest"]
    monkeypatch.setattr(group, "body_seconds", 0.3)
    head = (
        "POST /v1/logs HTTP/1.1\nHost: x\nContent-Length: 1000\nContent-Type: application/json\n"
        f"Authorization: {running.authorization}\n\n"
    )
    answer = running.raw(head, b"half")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"BELVEDERE_BODY_SECONDS" in answer
    assert eventually(lambda: group.in_work == 0)


def test_a_length_and_chunks_together_are_refused(running: Running) -> None:
    head = "POST /v1/logs HTTP/1.1\nHost: x\nContent-Length: 5\nTransfer-Encoding: chunked\nConnection: close\n\n"
    # without the body: bytes that arrive after the refusal would reset the connection before it is read
    assert running.raw(head).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("compressed", [False, True])
def test_the_elasticsearch_client_sends_in_bulk(running: Running, store: TelemetryStore, compressed: bool) -> None:
    token = running.authorization.removeprefix("Bearer ")
    now = datetime.now(UTC).isoformat()
    documents = [
        {"_index": "app", "@timestamp": now, "message": f"é {number}", "log.level": "warn"} for number in range(5)
    ]
    with Elasticsearch(running.url, basic_auth=("any", token), http_compress=compressed) as client:
        assert client.info()["version"]["number"]
        stored, errors = helpers.bulk(client, documents)
        _, refused = helpers.bulk(client, [{"_op_type": "delete", "_index": "app", "_id": "1"}], raise_on_error=False)
    assert (stored, errors) == (5, [])
    assert refused[0]["delete"]["status"] == 400
    found = stored_logs(store)
    assert sorted(record.body for record in found) == [f"é {number}" for number in range(5)]
    assert {(record.severity_number, dict(record.stream)["index"]) for record in found} == {(13, "app")}
