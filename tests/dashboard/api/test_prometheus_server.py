"""The rest of the Prometheus API: status, federation, remote read, trees of queries, unknown addresses, other sites."""

import struct

import cramjam
import pytest
from django.test import Client

from collectors.wire.protobuf import BYTES, FIXED64, VARINT, field_bytes, fields, read_varint
from fleet.actions.targets import add_target
from fleet.tokens import create_token
from telemetry.model.samples import STALE_NAN, MetricMetadata
from tests.telemetry.batches import NOW_MS, sample_batch, series

pytestmark = pytest.mark.django_db

UP_A = series("up", job="api", instance="a:1")
UP_B = series("up", job="api", instance="b:1")
ENDED = series("up", job="api", instance="c:1")
DOTTED = series("http.status", **{"http.code": '2"0'})


@pytest.fixture
def reader() -> Client:
    _, text = create_token(name="test", scopes=("query",), actor="system")
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.fixture(autouse=True)
def _loaded(store) -> None:
    samples = {
        UP_A: [(NOW_MS - 15_000, 0.0), (NOW_MS - 1000, 1.0)],
        UP_B: [(NOW_MS - 1000, 1e-7)],
        ENDED: [(NOW_MS - 15_000, 1.0), (NOW_MS - 1000, STALE_NAN)],
        DOTTED: [(NOW_MS - 1000, 2.0)],
    }
    store.write_samples(sample_batch(samples, metadata=[MetricMetadata("up", "gauge", "Whether it is.")])).result(30)


def data(reader: Client, path: str, **query):
    response = reader.get(f"/api/v1/{path}", query)
    assert response.status_code == 200, response.content
    return response.json()["data"]


def test_a_page_for_another_prometheus_has_the_newest_samples(reader) -> None:
    response = reader.get("/federate", {"match[]": ["up", '{"http.status"}']})
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    at = NOW_MS - 1000
    assert response.content.decode() == (
        f'# TYPE http_status untyped\nhttp_status{{http_code="2\\"0",instance=""}} 2 {at}\n'
        + f'# TYPE up untyped\nup{{instance="a:1",job="api"}} 1 {at}\nup{{instance="b:1",job="api"}} 1e-07 {at}\n'
    )


def test_names_stay_as_they_are_for_who_understands_them(reader) -> None:
    page = reader.get(
        "/federate", {"match[]": '{"http.status"}'}, headers={"accept": "text/plain;escaping=allow-utf-8"}
    )
    assert '{"http.status","http.code"="2\\"0"} 2' in page.content.decode()


def test_federation_of_nothing_is_an_empty_page(reader) -> None:
    assert reader.get("/federate").content == b""
    assert reader.get("/federate", {"match[]": "up{"}).status_code == 400


def read_request(*matchers: tuple[int, str, str]) -> bytes:
    messages = [
        field_bytes(3, b"\x08" + bytes([kind]) + field_bytes(2, name.encode()) + field_bytes(3, value.encode()))
        for kind, name, value in matchers
    ]
    times = b"\x08" + varint(NOW_MS - 20_000) + b"\x10" + varint(NOW_MS)
    return bytes(cramjam.snappy.compress_raw(field_bytes(1, times + b"".join(messages))))


def varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def read_series(body: bytes) -> list[tuple[dict, list[tuple[int, float]]]]:
    found = []
    for _, _, begin, end in fields(body):
        for _, _, start, stop in fields(body, begin, end):
            labels, samples = {}, []
            for number, kind, first, last in fields(body, start, stop):
                assert kind == BYTES
                parts = list(fields(body, first, last))
                if number == 1:
                    name, value = (body[a:b].decode() for _, _, a, b in parts)
                    labels[name] = value
                else:
                    assert [each[1] for each in parts] == [FIXED64, VARINT]
                    (value,) = struct.unpack("<d", body[parts[0][2] : parts[0][3]])
                    samples.append((read_varint(body, parts[1][2])[0], value))
            found.append((labels, samples))
    return found


def test_another_prometheus_reads_raw_samples(reader) -> None:
    request = read_request((0, "__name__", "up"), (3, "instance", "c.*"), (2, "job", "ap.+"), (1, "x", "y"))
    response = reader.post("/api/v1/read", request, content_type="application/x-protobuf")
    assert (response["Content-Type"], response["Content-Encoding"]) == ("application/x-protobuf", "snappy")
    assert read_series(bytes(cramjam.snappy.decompress_raw(response.content))) == [
        (dict(UP_A), [(NOW_MS - 15_000, 0.0), (NOW_MS - 1000, 1.0)]),
        (dict(UP_B), [(NOW_MS - 1000, 1e-7)]),
    ]


@pytest.mark.parametrize("matchers", [[], [(9, "a", "b")], [(2, "a", "(")]])
def test_remote_read_refuses_what_it_cannot_answer(reader, matchers) -> None:
    response = reader.post("/api/v1/read", read_request(*matchers), content_type="application/x-protobuf")
    assert (response.status_code, response.json()["errorType"]) == (400, "bad_data")


def test_a_query_is_told_as_a_tree(reader) -> None:
    tree = data(reader, "parse_query", query='sum by(job) (rate(up{a=~"b"}[5m] offset 1m)) > bool on(job) 1e-3 * x @ 7')
    assert (tree["type"], tree["op"], tree["bool"]) == ("binaryExpr", ">", True)
    assert tree["matching"] == {"card": "one-to-one", "labels": ["job"], "on": True, "include": []}
    sum_ = tree["lhs"]
    assert (sum_["type"], sum_["op"], sum_["grouping"], sum_["without"], sum_["param"]) == (
        "aggregation",
        "sum",
        ["job"],
        False,
        None,
    )
    rate = sum_["expr"]
    assert rate["func"] == {"name": "rate", "argTypes": ["matrix"], "variadic": 0, "returnType": "vector"}
    assert rate["args"] == [
        {
            "type": "matrixSelector",
            "name": "up",
            "range": 300_000,
            "offset": 60_000,
            "matchers": [
                {"name": "a", "value": "b", "type": "=~"},
                {"name": "__name__", "value": "up", "type": "="},
            ],
            "timestamp": None,
            "startOrEnd": None,
        }
    ]
    product = tree["rhs"]
    assert (product["matching"], product["lhs"], product["rhs"]["timestamp"]) == (
        None,
        {"type": "numberLiteral", "val": "0.001"},
        7000,
    )


def test_status_says_what_makes_the_series(reader) -> None:
    found = data(reader, "status/tsdb", limit=1)
    assert found["headStats"]["numSeries"] == 4
    assert found["seriesCountByMetricName"] == [{"name": "up", "value": 3}]
    assert found["labelValueCountByLabelName"] == [{"name": "instance", "value": 3}]
    assert found["seriesCountByLabelValuePair"] == [{"name": "__name__=up", "value": 3}]
    assert reader.get("/api/v1/status/tsdb", {"limit": "0"}).status_code == 400


def test_status_holds_no_secret(reader, settings) -> None:
    flags = data(reader, "status/flags")
    assert flags["query.lookback-delta"] == "300s"
    assert flags["BELVEDERE_MAX_QUERY_SERIES"]
    assert "BELVEDERE_SECRET_KEY" not in flags
    assert "BELVEDERE_DATABASE_URL" not in flags
    assert "scrape_interval: 15s" in data(reader, "status/config")["yaml"]
    assert data(reader, "status/runtimeinfo")["storageRetention"] == "400d"
    assert data(reader, "status/walreplay") == {"min": 0, "max": 0, "current": 0}
    assert data(reader, "alertmanagers") == {"activeAlertmanagers": [], "droppedAlertmanagers": []}


def test_targets_come_with_their_metadata(reader) -> None:
    add_target(url="http://a:1/metrics", job="api", actor="system")
    assert data(reader, "scrape_pools") == {"scrapePools": ["api"]}
    first, second = data(reader, "targets/metadata", metric="up", limit=2)
    assert first == {
        "target": {"instance": "a:1", "job": "api"},
        "type": "gauge",
        "help": "Whether it is.",
        "unit": "",
    }
    assert second["target"]["instance"] == "b:1"


@pytest.mark.parametrize("path", ["/api/v1/nonsense", "/prometheus/api/v1/x", "/loki/api/v1/none", "/api/none"])
def test_addresses_that_do_not_exist_say_so_as_an_api(reader, path) -> None:
    assert Client().get(path).status_code == 401
    response = reader.get(path)
    assert (response.status_code, response["Content-Type"]) == (404, "application/json")
    assert response.json() == {"status": "error", "errorType": "not_found", "error": f"there is nothing at {path}"}


def test_health_is_told_as_prometheus_tells_it(reader) -> None:
    assert reader.get("/-/healthy").content == b"Prometheus Server is Healthy.\n"
    assert reader.get("/-/ready").status_code == 200


def test_other_sites_may_read_only_if_they_are_named(reader, settings) -> None:
    asked = {"origin": "https://g.example", "access-control-request-method": "GET"}
    assert "Access-Control-Allow-Origin" not in reader.get("/api/v1/labels", headers=asked)
    settings.CORS_ORIGINS = ["https://g.example"]
    preflight = Client().options("/api/v1/labels", headers=asked)
    assert (preflight.status_code, preflight["Access-Control-Allow-Origin"]) == (204, "https://g.example")
    assert reader.get("/api/v1/labels", headers=asked)["Access-Control-Allow-Origin"] == "https://g.example"
    other = reader.get("/api/v1/labels", headers={"origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other
    assert "Access-Control-Allow-Origin" not in Client().get("/login", headers=asked)


def test_a_query_is_noted_with_who_asked_and_what_it_read(reader, store) -> None:
    data(reader, "query", query="sum(up)", time=str(NOW_MS / 1000))
    reader.get("/api/v1/query", {"query": "sum("})
    failed, answered = store.recent_queries()
    assert (failed.actor, failed.status, failed.expression) == ("token:test", "bad_data", "sum(")
    assert (answered.status, list(answered.reads), answered.series) == ("success", ["up"], 3)
