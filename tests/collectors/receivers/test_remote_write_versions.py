"""Both versions of remote write at one address: content types, what was written, what was refused, exemplars."""

import cramjam
import pytest
from django.test import Client

from collectors.receivers.app import ReceiverApp
from telemetry.store import TelemetryStore
from tests.collectors.receivers.pushes import NOW_MS, Answer, Sender, new_token, stored_samples
from tests.collectors.receivers.test_protocols import nothing
from tests.collectors.wire.encoders import WriteRequest, write_request
from tests.collectors.wire.test_remote_write_v2 import one, request

pytestmark = pytest.mark.django_db(transaction=True)

V2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
WRITTEN = "x-prometheus-remote-write-{}-written"


@pytest.fixture
def sender(store: TelemetryStore) -> Sender:
    return Sender(ReceiverApp(nothing), new_token("ingest:metrics"))


def push(sender: Sender, body: bytes, content_type: str = V2) -> Answer:
    compressed = bytes(cramjam.snappy.compress_raw(body))
    return sender.push("/api/v1/write", compressed, content_type=content_type, content_encoding="snappy")


def written(answer: Answer) -> list[str]:
    return [answer.headers[WRITTEN.format(kind)] for kind in ("samples", "histograms", "exemplars")]


def test_what_was_written_is_told_by_kind(sender, store) -> None:
    body = one(
        samples=[{"value": 1.5, "timestamp": NOW_MS}, {"value": 2.5, "timestamp": NOW_MS + 1}],
        exemplars=[{"labels_refs": [7, 8], "value": 2.0, "timestamp": NOW_MS}],
        created_timestamp=NOW_MS - 1000,
    )
    answer = push(sender, body)
    assert (answer.status, written(answer)) == (204, ["2", "0", "1"])
    assert [value for _, _, _, value in stored_samples(store, "a")] == [1.5, 2.5]


def test_a_histogram_is_told_as_one(sender, store) -> None:
    answer = push(sender, one(histograms=[{"count_int": 0, "sum": 0.0, "timestamp": NOW_MS}]))
    assert (answer.status, written(answer)) == (204, ["0", "1", "0"])


def test_the_refused_part_is_named_and_the_rest_is_stored(sender, store) -> None:
    sample = [{"value": 1.0, "timestamp": NOW_MS}]
    late = [{"value": 1.0, "timestamp": NOW_MS + 86_400_000}]
    body = request(
        ["__name__", "good", "bad"],
        {"labels_refs": [1, 2], "samples": sample},
        {"labels_refs": [1, 3], "samples": late},
        {"labels_refs": [1, 99], "samples": sample},
    )
    answer = push(sender, body)
    assert (answer.status, written(answer)) == (400, ["1", "0", "0"])
    assert "refers to symbol 99" in answer.text
    assert "bad" in answer.text
    assert len(stored_samples(store, "good")) == 1


@pytest.mark.parametrize(
    "content_type", ["application/x-protobuf;proto=io.prometheus.write.v3.Request", "application/json", "text/plain"]
)
def test_an_unknown_message_is_415(sender, content_type) -> None:
    assert push(sender, one(), content_type).status == 415


def test_a_series_is_the_same_in_both_versions(sender, store) -> None:
    labels = {"__name__": "a", "b": "c"}
    assert push(sender, write_request((labels, [(NOW_MS, 1.0)])), "application/x-protobuf").status == 204
    assert push(sender, one(samples=[{"value": 2.0, "timestamp": NOW_MS + 1}])).status == 204
    assert [value for _, _, _, value in stored_samples(store, "a")] == [1.0, 2.0]


def test_exemplars_of_both_versions_are_read_back(sender, store) -> None:
    body = WriteRequest.FromString(write_request(({"__name__": "a", "b": "c"}, [(NOW_MS, 1.0)])))
    body.timeseries[0].exemplars.add(value=1.5, timestamp=NOW_MS - 500).labels.add(name="trace_id", value="v1")
    assert push(sender, body.SerializeToString(), "application/x-protobuf").status == 204
    assert push(sender, one(exemplars=[{"labels_refs": [7, 8], "value": 2.0, "timestamp": NOW_MS}])).status == 204
    reader = Client(headers={"authorization": new_token("query")})
    found = reader.get("/api/v1/query_exemplars", {"query": 'sum(rate(a{b="c"}[5m])) / vector(1)'}).json()["data"]
    assert found == [
        {
            "seriesLabels": {"__name__": "a", "b": "c"},
            "exemplars": [
                {"labels": {"trace_id": "v1"}, "value": "1.5", "timestamp": (NOW_MS - 500) / 1000},
                {"labels": {"trace_id": "x1"}, "value": "2", "timestamp": NOW_MS / 1000},
            ],
        }
    ]
    earlier = {"query": "a", "end": str(NOW_MS / 1000 - 10)}
    assert reader.get("/api/v1/query_exemplars", earlier).json()["data"] == []
    assert reader.get("/api/v1/query_exemplars", {"query": "vector(1)"}).json()["data"] == []


def test_an_exemplar_older_than_is_kept_is_refused_by_name(sender, store) -> None:
    old = NOW_MS - 30 * 86_400_000
    answer = push(sender, one(exemplars=[{"labels_refs": [7, 8], "value": 2.0, "timestamp": old}]))
    assert (answer.status, written(answer)) == (400, ["0", "0", "0"])
    assert "BELVEDERE_EXEMPLAR_RETENTION_DAYS" in answer.text
