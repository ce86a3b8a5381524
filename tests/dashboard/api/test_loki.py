"""The read API of Loki: streams, vectors, labels, volumes, errors."""

import asyncio

import pytest
from django.test import Client

from dashboard.api.loki.tail_app import TailApp
from fleet.tokens import create_token
from telemetry.model.labels import labels_from
from tests.telemetry.batches import NOW_MS, log_batch

pytestmark = pytest.mark.django_db

NOW_NS = NOW_MS * 1_000_000
SECOND = 10**9
API = labels_from({"app": "api", "env": "prod"})
WORKER = labels_from({"app": "worker", "env": "prod"})
SPAN = {"start": str(NOW_NS - 60 * SECOND), "end": str(NOW_NS + 60 * SECOND)}


@pytest.fixture
def reader() -> Client:
    _, text = create_token(name="test", scopes=("query",), actor="system")
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.fixture(autouse=True)
def _loaded(store) -> None:
    records = [
        {"stream": API, "t": NOW_NS, "body": "level=info msg=one", "attributes": '{"pod": "p1"}'},
        {"stream": API, "t": NOW_NS + SECOND, "body": "level=error msg=two"},
        {"stream": WORKER, "t": NOW_NS + 2 * SECOND, "body": "three"},
    ]
    store.write_logs(log_batch(records)).result(30)


def ask(reader: Client, path: str, **parameters: str):
    return reader.get(f"/loki/api/v1/{path}", {**SPAN, **parameters})


def test_lines_come_by_stream_newest_first_with_labels_as_sent(reader) -> None:
    data = ask(reader, "query_range", query='{env="prod"}').json()["data"]
    assert data["resultType"] == "streams"
    assert data["result"] == [
        {"stream": dict(WORKER), "values": [[str(NOW_NS + 2 * SECOND), "three"]]},
        {"stream": dict(API), "values": [[str(NOW_NS + SECOND), "level=error msg=two"]]},
        {"stream": {**dict(API), "pod": "p1"}, "values": [[str(NOW_NS), "level=info msg=one"]]},
    ]
    assert data["stats"]["summary"]["totalEntriesReturned"] == 3


def test_labels_can_be_told_apart_by_where_they_come_from(reader) -> None:
    query = {**SPAN, "query": '{app="api"} | logfmt | level="info"'}
    flags = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}
    data = reader.get("/loki/api/v1/query_range", query, headers=flags).json()["data"]
    assert data["encodingFlags"] == ["categorize-labels"]
    categories = {"structuredMetadata": {"pod": "p1"}, "parsed": {"level": "info", "msg": "one"}}
    values = [[str(NOW_NS), "level=info msg=one", categories]]
    assert data["result"] == [{"stream": dict(API), "values": values}]


def test_a_count_at_one_time_is_a_vector(reader) -> None:
    at = str(NOW_NS + 2 * SECOND)
    body = reader.post("/loki/api/v1/query", {"query": 'sum by (app) (count_over_time({env="prod"}[1m]))', "time": at})
    assert body.json()["data"]["result"] == [
        {"metric": {"app": "api"}, "value": [NOW_MS // 1000 + 2, "2"]},
        {"metric": {"app": "worker"}, "value": [NOW_MS // 1000 + 2, "1"]},
    ]


def test_labels_series_and_volumes_tell_what_there_is(reader) -> None:
    assert ask(reader, "labels").json()["data"] == ["app", "env"]
    assert ask(reader, "label/app/values").json()["data"] == ["api", "worker"]
    assert ask(reader, "series", **{"match[]": '{app="api"}'}).json()["data"] == [dict(API)]
    stats = ask(reader, "index/stats", query='{env="prod"}').json()
    assert (stats["streams"], stats["entries"], stats["bytes"]) == (2, 3, 42)
    volume = ask(reader, "index/volume", query='{env="prod"}', targetLabels="app").json()["data"]["result"]
    assert [(one["metric"], one["value"][1]) for one in volume] == [({"app": "api"}, "37"), ({"app": "worker"}, "5")]


def test_an_error_is_a_sentence_in_plain_text(reader) -> None:
    response = ask(reader, "query_range", query='{env="prod"')
    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.content.decode().startswith("parse error at line 1, col 12: syntax error: unexpected $end")
    refused = ask(reader, "query_range", query='{env="prod"}', limit="100000")
    assert "max entries limit per query exceeded" in refused.content.decode()


def test_a_websocket_that_may_not_watch_is_refused_with_the_answer_of_the_query() -> None:
    async def inner(_scope, _receive, send) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b"who are you?"})

    sent = []

    async def send(message) -> None:
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/loki/api/v1/tail", "scheme": "ws", "headers": [], "query_string": b""}
    scope["extensions"] = {"websocket.http.response": {}}
    asyncio.run(TailApp(inner)(scope, receive, send))
    assert [message.get("status") or message.get("body") for message in sent] == [401, b"who are you?"]
    sent.clear()
    asyncio.run(TailApp(inner)({**scope, "headers": [(b"origin", b"http://x"), (b"host", b"y")]}, receive, send))
    assert sent[0]["status"] == 403
