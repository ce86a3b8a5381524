"""Exemplars of scraped pages are told once; native histograms are stored and seen to end."""

import time
from typing import Any

import numpy as np
import pytest
from django.test import Client

from collectors.pull.beside import Beside, BesideMemory, exemplars_of
from collectors.pull.relabel import RelabelRule
from collectors.pull.target_series import PageSeries
from collectors.wire.exposition_exemplars import ExemplarText
from collectors.wire.exposition_protobuf import HistogramText
from collectors.wire.exposition_series import TargetSeries
from fleet.actions.targets import add_target
from telemetry.model.histograms import Histogram
from telemetry.model.samples import is_stale
from tests.collectors.pull.test_scraper import scraper, wait_for  # noqa: F401 - a fixture
from tests.collectors.receivers.pushes import new_token
from tests.collectors.web_server import reply
from tests.collectors.wire.real_data import real

TARGET = TargetSeries((("instance", "a:1"), ("job", "j")))
NOW = 1_760_000_000_000


def told(beside: Beside) -> list[tuple[str, float]]:
    """(name of the series, value) of each exemplar."""
    batch = exemplars_of([beside])
    if batch is None:
        return []
    names = [dict(batch.decode_key(key))["__name__"] for key in batch.keys]
    return [(names[at], one.value) for at, one in zip(batch.key_index, batch.exemplars, strict=True)]


def test_an_exemplar_that_stays_on_the_page_is_told_once() -> None:
    memory = BesideMemory(PageSeries(TARGET))
    first, second = ExemplarText(b"a", b"{} 1"), ExemplarText(b"a", b"{} 2")
    assert told(memory.page([first], timestamp_ms=NOW)) == [("a", 1.0)]
    assert told(memory.page([first], timestamp_ms=NOW + 1)) == []
    assert told(memory.page([second], timestamp_ms=NOW + 2)) == [("a", 2.0)]


def test_an_exemplar_goes_with_its_series() -> None:
    drop = RelabelRule(action="drop", source_labels=("__name__",), regex="b")
    memory = BesideMemory(PageSeries(TARGET, (drop,)))
    page = [ExemplarText(b"a", b"{} 1"), ExemplarText(b"b", b"{} 1")]
    assert told(memory.page(page, timestamp_ms=NOW)) == [("a", 1.0)]


def test_a_broken_exemplar_is_refused_by_name() -> None:
    found = BesideMemory(PageSeries(TARGET)).page([ExemplarText(b"a", b"{} x")], timestamp_ms=NOW)
    assert [refusal.message for refusal in found.refusals] == ["an exemplar was refused: 'x' is not a number"]


def ended(beside: Beside) -> list[bool]:
    return [bool(is_stale(np.array([histogram.sum]))[0]) for _, _, histogram in beside.histograms]


def test_a_native_histogram_ends_once_when_the_page_has_it_no_longer() -> None:
    memory = BesideMemory(PageSeries(TARGET))
    one = HistogramText(b"a", Histogram(schema=0, count=1.0, sum=2.0))
    assert ended(memory.page([], [one, one], timestamp_ms=NOW)) == [False]
    assert memory.histograms == 1
    assert ended(memory.page([], [], timestamp_ms=NOW + 1)) == [True]
    assert ended(memory.page([], [], timestamp_ms=NOW + 2)) == []


def test_native_histograms_end_when_a_scrape_fails_unless_they_have_a_time_of_their_own() -> None:
    memory = BesideMemory(PageSeries(TARGET))
    value = Histogram(schema=0, count=1.0, sum=2.0)
    memory.page([], [HistogramText(b"a", value), HistogramText(b"b", value, NOW - 9)], timestamp_ms=NOW)
    failed = memory.failure(NOW + 1)
    assert ended(failed) == [True]
    assert ended(memory.failure(NOW + 2)) == []


@pytest.mark.django_db(transaction=True)
def test_native_histograms_of_a_real_protobuf_page_are_scraped(scraper, store, serve) -> None:  # noqa: F811
    page = real("expositions/prometheus/prometheus-3.5.3.protobuf").read_bytes()
    kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
    served = serve(lambda handler: reply(handler, page, Content_Type=kind))
    add_target(url=f"{served.url}/metrics", job="web", actor="test")
    reader = Client(headers={"authorization": new_token("query")})

    def found(query: str) -> list[dict[str, Any]]:
        return reader.get("/api/v1/query", {"query": query}).json()["data"]["result"]

    wait_for(lambda: found("prometheus_http_request_duration_seconds") and found("scrape_samples_scraped"))
    assert found('histogram_count(prometheus_http_request_duration_seconds{job="web"})')[0]["value"][1] == "3"
    assert found("prometheus_http_request_duration_seconds_bucket") == []
    assert found("go_goroutines")[0]["metric"]["job"] == "web"


@pytest.mark.django_db(transaction=True)
def test_scraped_exemplars_are_read_back(scraper, store, serve) -> None:  # noqa: F811
    at = int(time.time()) - 5
    page = f'# TYPE a counter\na_total{{x="1"}} 3 # {{trace_id="t1"}} 1.5 {at}\n# EOF\n'.encode()
    served = serve(lambda handler: reply(handler, page, Content_Type="application/openmetrics-text; version=1.0.0"))
    add_target(url=f"{served.url}/metrics", job="web", actor="test")
    reader = Client(headers={"authorization": new_token("query")})

    def found() -> list[dict[str, object]]:
        return reader.get("/api/v1/query_exemplars", {"query": "a_total"}).json()["data"]

    wait_for(found)
    (series,) = found()
    assert series["seriesLabels"]["job"] == "web"
    assert series["exemplars"] == [{"labels": {"trace_id": "t1"}, "value": "1.5", "timestamp": at}]
