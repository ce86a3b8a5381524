"""Elasticsearch's bulk endpoint and the questions of its shippers."""

import gzip
import json
from typing import Any

import pytest

from collectors.receivers.app import ReceiverApp
from telemetry.store import TelemetryStore
from tests.collectors.receivers.pushes import NOW_MS, Sender, new_token, stored_logs

pytestmark = pytest.mark.django_db(transaction=True)

NDJSON = "application/x-ndjson"


async def page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"a page"})


@pytest.fixture
def sender(store: TelemetryStore) -> Sender:
    return Sender(ReceiverApp(page), new_token("ingest:logs"))


def lines(*documents: Any) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def test_bulk_stores_documents_and_answers_item_by_item(sender: Sender, store: TelemetryStore) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    document = {
        "@timestamp": NOW_MS, "message": "paid\x1b[0m <b>", "log": {"level": "error", "logger": "app"},
        "service": {"name": "shop", "version": "2"}, "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
        "http": {"status": [500, {"deep": None}]},
    }  # fmt: skip
    changes = [{"delete": {"_index": "app", "_id": "7"}}, {"update": {"_index": "app", "_id": "8"}}, {"doc": {}}]
    others = [{"index": {}}, [1], {"index": {}}, {"msg": "b", "time": NOW_MS}]
    body = lines({"create": {"_index": "app"}}, document, *changes, *others)
    answer = sender.push(
        "/logs-app/_bulk?timeout=1m", gzip.compress(body), content_type=NDJSON, content_encoding="gzip"
    )
    assert answer.status == 200
    assert answer.headers["x-elastic-product"] == "Elasticsearch"
    found = json.loads(answer.text)
    assert found["errors"] is True
    assert [(next(iter(item)), next(iter(item.values()))["status"]) for item in found["items"]] == [
        ("create", 201), ("delete", 400), ("update", 400), ("index", 400), ("index", 201)
    ]  # fmt: skip
    assert found["items"][3]["index"]["error"]["reason"] == "the document is not a JSON object"
    first, second = sorted(stored_logs(store), key=lambda record: record.body, reverse=True)
    assert (first.body, first.service, first.severity_number) == ("paid\x1b[0m <b>", "shop", 17)
    assert (first.trace_id, first.span_id) == (trace, "00f067aa0ba902b7")
    assert dict(first.stream) == {"index": "app", "service": "shop"}
    assert first.attributes["http"] == {"status": [500, {"deep": None}]}
    assert first.attributes["service"] == {"version": "2"}
    assert (second.body, dict(second.stream)) == ("b", {"index": "logs-app"})


def test_a_document_that_the_store_refuses_is_named(sender: Sender) -> None:
    late = {"@timestamp": NOW_MS + 86_400_000, "message": "tomorrow"}
    answer = sender.push("/_bulk", lines({"create": {"_index": "a"}}, late), content_type=NDJSON)
    ((item,),) = [item.values() for item in json.loads(answer.text)["items"]]
    assert item["status"] == 400
    assert "is in the future" in item["error"]["reason"]


def test_one_document_is_stored_by_itself(sender: Sender, store: TelemetryStore) -> None:
    answer = sender.push("/app/_doc", b'{"message":\n"one"}', content_type="application/json")
    assert (answer.status, json.loads(answer.text)["result"]) == (201, "created")
    assert [record.body for record in stored_logs(store)] == ["one"]
    wrong = sender.push("/app/_create/7", b"[]", content_type="application/json")
    assert (wrong.status, json.loads(wrong.text)["status"]) == (400, 400)


def test_a_body_that_is_no_bulk_is_refused_in_the_form_of_the_protocol(sender: Sender) -> None:
    for body, words in ((b'{"get":{}}\n{}\n', "none of the actions"), (b'{"index":{}}\n', "no document behind it")):
        answer = sender.push("/_bulk", body, content_type=NDJSON)
        assert answer.status == 400
        assert words in json.loads(answer.text)["error"]["reason"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200), ("HEAD", "/", 200), ("GET", "/_license", 200), ("GET", "/_xpack", 200),
        ("GET", "/_cluster/health", 200), ("GET", "/_nodes/http", 200), ("GET", "/_ilm/policy/filebeat", 404),
        ("HEAD", "/_index_template/filebeat", 404), ("PUT", "/_index_template/filebeat", 200),
        ("PUT", "/_ingest/pipeline/x", 200), ("DELETE", "/_license", 405),
    ],
)  # fmt: skip
def test_shippers_get_the_answers_they_ask_for(sender: Sender, method: str, path: str, status: int) -> None:
    answer = sender.push(path, method=method, accept="application/json")
    assert (answer.status, answer.headers["x-elastic-product"]) == (status, "Elasticsearch")
    assert path != "/" or json.loads(answer.text)["version"]["number"].startswith("8.")


def test_a_browser_gets_the_front_page_and_nobody_without_a_token_an_answer(sender: Sender) -> None:
    assert sender.push("/", method="GET", accept="text/html").status == 299
    assert Sender(sender.app).push("/", method="GET").status == 299
    assert Sender(sender.app).push("/_bulk", b"").status == 401
    assert sender.push("/logs/other", b"{}").status == 299
