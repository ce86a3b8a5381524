"""The OpenTelemetry SDK exports metrics and logs to us over HTTP, with gzip, as any instrumented program does."""

import logging
import time
import warnings

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from tests.browser.server import Running

pytestmark = pytest.mark.peer

RESOURCE = Resource.create({"service.name": "checkout", "service.instance.id": "one"})


def headers(server: Running) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token}"}


def test_metrics_of_the_sdk_follow_the_rules_of_names(server: Running) -> None:
    exporter = OTLPMetricExporter(f"{server.url}/v1/metrics", headers=headers(server), compression=Compression.Gzip)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, 60_000)], RESOURCE)
    meter = provider.get_meter("shop")
    meter.create_counter("http.server.requests", unit="{request}").add(3, {"http.route": "/checkout"})
    meter.create_histogram("http.server.request.duration", unit="s").record(0.2)
    provider.shutdown()
    for query, value in {
        'http_server_requests_total{http_route="/checkout"}': "3",
        "http_server_request_duration_seconds_count": "1",
        'target_info{job="checkout", instance="one"}': "1",
    }.items():
        answer = httpx.get(
            f"{server.url}/api/v1/query",
            params={"query": query},
            headers={"Authorization": f"Bearer {server.query_token}"},
        )
        (series,) = answer.json()["data"]["result"]
        assert series["value"][1] == value, query


def test_logs_of_the_sdk_are_found_by_service_severity_and_text(server: Running) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from opentelemetry.sdk._logs import LoggingHandler

        provider = LoggerProvider(RESOURCE)
        exporter = OTLPLogExporter(f"{server.url}/v1/logs", headers=headers(server), compression=Compression.Gzip)
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        logger = logging.getLogger("tests.peers.otlp")
        logger.setLevel(logging.INFO)
        logger.addHandler(LoggingHandler(logging.INFO, provider))
        logger.error("payment %s failed", 17, extra={"order_id": 17})
        logger.info("all fine")
        provider.shutdown()
    answer = httpx.get(
        f"{server.url}/api/logs",
        params={"service": "checkout", "severity": "error", "text": "PAYMENT"},
        headers={"Authorization": f"Bearer {server.query_token}"},
    )
    (record,) = answer.json()["items"]
    assert record["body"] == "payment 17 failed"
    assert record["severity"] == "error"
    assert record["attributes"]["order_id"] == 17
    assert record["stream"]["service.name"] == "checkout"
    assert abs(int(record["timestamp_ns"]) / 1e9 - time.time()) < 120
