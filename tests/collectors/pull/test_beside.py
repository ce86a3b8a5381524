"""Exemplars of scraped pages are told once, under the labels that their series is stored with."""

import time

import pytest
from django.test import Client

from collectors.pull.beside import Beside, BesideMemory, exemplars_of
from collectors.pull.relabel import RelabelRule
from collectors.pull.target_series import PageSeries
from collectors.wire.exposition_exemplars import ExemplarText
from collectors.wire.exposition_series import TargetSeries
from fleet.actions.targets import add_target
from tests.collectors.pull.test_scraper import scraper, wait_for  # noqa: F401 - a fixture
from tests.collectors.receivers.pushes import new_token
from tests.collectors.web_server import reply

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
