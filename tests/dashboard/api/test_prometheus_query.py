"""The query addresses of the Prometheus API: exact JSON, error types, access."""

import json

import pytest
from django.test import Client

from fleet.tokens import create_token
from telemetry.store import TelemetryStore
from tests.dashboard.people import client_with_role
from tests.series import write_series
from tests.telemetry.batches import NOW_MS

pytestmark = pytest.mark.django_db

START = NOW_MS - 600_000
"""First sample, a whole minute."""


def client_with(*scopes: str) -> Client:
    _, text = create_token(name="test", scopes=scopes, actor="system")
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.fixture
def reader() -> Client:
    return client_with("query")


@pytest.fixture
def loaded(store: TelemetryStore) -> TelemetryStore:
    """`jobs_total` rising by 10 a minute in two zones, and one gauge with odd values."""
    counter = [(START + minute * 60_000, 10.0 * minute) for minute in range(11)]
    odd = [(NOW_MS, value) for value in (1e-7,)]
    write_series(
        store,
        ("jobs_total", {"zone": "a"}, counter),
        ("jobs_total", {"zone": "b"}, counter),
        ("odd", {"kind": "small"}, odd),
        ("odd", {"kind": "large"}, [(NOW_MS, 1e21)]),
        ("odd", {"kind": "infinite"}, [(NOW_MS, float("-inf"))]),
        ("odd", {"kind": "nothing"}, [(NOW_MS, float("nan"))]),
        ("odd", {"kind": "zero"}, [(NOW_MS, -0.0)]),
    )
    return store


def seconds(time_ms: int) -> float:
    return time_ms / 1000


def test_an_instant_query_answers_a_vector_with_values_as_strings(reader, loaded) -> None:
    response = reader.get("/api/v1/query", {"query": 'jobs_total{zone="a"}', "time": seconds(NOW_MS)})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert json.loads(response.content) == {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [{"metric": {"__name__": "jobs_total", "zone": "a"}, "value": [NOW_MS // 1000, "100"]}],
        },
    }


def test_a_range_query_answers_a_matrix_by_labels(reader, loaded) -> None:
    parameters = {
        "query": "rate(jobs_total[5m]) * 60",
        "start": seconds(NOW_MS - 60_000),
        "end": seconds(NOW_MS),
        "step": "30s",
    }
    data = reader.get("/api/v1/query_range", parameters).json()["data"]
    assert data["resultType"] == "matrix"
    assert [series["metric"] for series in data["result"]] == [{"zone": "a"}, {"zone": "b"}]
    times = [NOW_MS // 1000 - 60, NOW_MS // 1000 - 30, NOW_MS // 1000]
    assert data["result"][0]["values"] == [[time, "10"] for time in times]


def test_times_of_a_fraction_of_a_second_have_three_digits(reader, loaded) -> None:
    response = reader.get("/api/v1/query", {"query": "1", "time": "1700000000.5"})
    assert response.content == (b'{"status":"success","data":{"resultType":"scalar","result":[1700000000.500,"1"]}}')


def test_times_may_be_rfc_3339_and_steps_numbers(reader, loaded) -> None:
    parameters = {
        "query": "time()",
        "start": "2023-11-14T22:13:20Z",
        "end": "2023-11-14T23:13:25.25+01:00",
        "step": "2.5",
    }
    series = reader.get("/api/v1/query_range", parameters).json()["data"]["result"]
    assert series == [
        {
            "metric": {},
            "values": [[1700000000, "1700000000"], [1700000002.5, "1700000002.5"], [1700000005, "1700000005"]],
        }
    ]


def test_values_are_written_as_go_writes_them(reader, loaded) -> None:
    result = reader.get("/api/v1/query", {"query": "odd", "time": seconds(NOW_MS)}).json()["data"]["result"]
    assert {series["metric"]["kind"]: series["value"][1] for series in result} == {
        "small": "0.0000001",
        "large": "1000000000000000000000",
        "infinite": "-Inf",
        "nothing": "NaN",
        "zero": "-0",
    }


def test_a_string_and_a_range_vector_can_be_asked_for_at_one_time(reader, loaded) -> None:
    text = reader.get("/api/v1/query", {"query": '"a\\"b"', "time": "1"}).json()["data"]
    assert text == {"resultType": "string", "result": [1, 'a"b']}
    samples = reader.get("/api/v1/query", {"query": 'jobs_total{zone="a"}[2m]', "time": seconds(NOW_MS)}).json()["data"]
    assert samples["resultType"] == "matrix"
    assert [value for _, value in samples["result"][0]["values"]] == ["90", "100"]


def test_a_query_may_come_as_a_form(reader, loaded) -> None:
    response = reader.post("/api/v1/query", {"query": "count(jobs_total)", "time": seconds(NOW_MS)})
    assert response.json()["data"]["result"][0]["value"][1] == "2"


def test_everything_answers_below_prometheus_too(reader, loaded) -> None:
    response = reader.get("/prometheus/api/v1/query", {"query": "1"})
    assert response.json()["data"]["result"][1] == "1"


@pytest.mark.parametrize(
    ("address", "parameters", "status", "kind", "sentence"),
    [
        ("query", {"query": "sum("}, 400, "bad_data", 'invalid parameter "query": 1:5: parse error: unclosed'),
        ("query", {"query": ""}, 400, "bad_data", "no expression found in input"),
        ("query", {"query": "1", "time": "yesterday"}, 400, "bad_data", 'parse "yesterday" to a valid timestamp'),
        ("query", {"query": "1", "timeout": "soon"}, 400, "bad_data", 'cannot parse "soon" to a valid duration'),
        ("query", {"query": "1", "limit": "-1"}, 400, "bad_data", "limit must be non-negative"),
        ("query", {"query": "x + on() x"}, 200, "", ""),
        ("query", {"query": "label_replace(x, '', '', '', '')"}, 422, "execution", "invalid destination label name"),
        ("query_range", {"query": "1", "start": "5", "end": "1", "step": "1"}, 400, "bad_data", "must not be before"),
        ("query_range", {"query": "1", "start": "1", "end": "5", "step": "0"}, 400, "bad_data", "zero or negative"),
        ("query_range", {"query": "1", "start": "1", "end": "5"}, 400, "bad_data", 'invalid parameter "step"'),
        ("query_range", {"query": "1", "start": "0", "end": "11001", "step": "1"}, 400, "bad_data", "11000"),
        ("query_range", {"query": "x[5m]", "start": "1", "end": "5", "step": "1"}, 400, "bad_data", "range vector"),
        ("format_query", {"query": "sum("}, 400, "bad_data", "parse error"),
    ],
)  # fmt: skip
def test_errors_have_the_type_and_status_of_prometheus(
    reader, store, address: str, parameters: dict[str, str], status: int, kind: str, sentence: str
) -> None:
    response = reader.get(f"/api/v1/{address}", parameters)
    body = response.json()
    assert response.status_code == status, body
    assert body.get("errorType", "") == kind
    assert sentence in body.get("error", "")
    assert body["status"] == ("error" if kind else "success")


def test_as_many_points_as_prometheus_allows_are_answered(reader, store) -> None:
    parameters = {"query": "1", "start": "0", "end": "11000", "step": "1"}
    result = reader.get("/api/v1/query_range", parameters).json()["data"]["result"]
    assert len(result[0]["values"]) == 11_001


def test_a_query_over_the_sample_limit_is_refused_by_name(reader, loaded, settings) -> None:
    settings.TELEMETRY = {**settings.TELEMETRY, "max_query_samples": 3}
    response = reader.get("/api/v1/query", {"query": "jobs_total[10m]", "time": seconds(NOW_MS)})
    assert response.status_code == 422
    assert "BELVEDERE_MAX_QUERY_SAMPLES" in response.json()["error"]


def test_a_query_over_the_series_limit_is_refused_by_name(reader, loaded, settings) -> None:
    settings.TELEMETRY = {**settings.TELEMETRY, "max_query_series": 1}
    response = reader.get("/api/v1/query", {"query": "jobs_total", "time": seconds(NOW_MS)})
    assert response.status_code == 422
    assert "BELVEDERE_MAX_QUERY_SERIES" in response.json()["error"]


def test_a_query_that_takes_too_long_is_a_timeout(reader, loaded) -> None:
    response = reader.get("/api/v1/query", {"query": "jobs_total", "timeout": "0"})
    assert (response.status_code, response.json()["errorType"]) == (503, "timeout")


def test_without_an_open_store_the_answer_is_unavailable(reader) -> None:
    response = reader.get("/api/v1/query", {"query": "up"})
    assert (response.status_code, response.json()["errorType"]) == (503, "unavailable")


def test_warnings_and_infos_stand_beside_the_result(reader, loaded) -> None:
    body = reader.get(
        "/api/v1/query", {"query": "quantile(2, rate(odd[5m])) or quantile(2, odd)", "time": seconds(NOW_MS)}
    ).json()
    # one sentence is said once, of the last place, as Prometheus does
    assert body["warnings"] == ["PromQL warning: quantile value should be between 0 and 1, got 2 (1:40)"]
    body = reader.get("/api/v1/query", {"query": "rate(jobs_total[5m])", "time": seconds(NOW_MS)}).json()
    assert "infos" not in body
    assert "warnings" not in body


def test_a_limit_cuts_the_result_and_says_so(reader, loaded) -> None:
    body = reader.get("/api/v1/query", {"query": "odd", "time": seconds(NOW_MS), "limit": "2"}).json()
    assert len(body["data"]["result"]) == 2
    assert body["warnings"] == ["results truncated due to limit"]


def test_the_cost_of_a_query_is_told_in_headers_and_on_request(reader, loaded) -> None:
    parameters = {"query": "jobs_total[3m]", "time": seconds(NOW_MS), "stats": "true"}
    response = reader.get("/api/v1/query", parameters)
    assert response["X-Belvedere-Query-Cost"].startswith("series=2, samples=6, seconds=0.")
    assert response["Server-Timing"].startswith("query;dur=")
    assert response.json()["data"]["stats"]["samples"]["totalQueryableSamples"] == 6


def test_a_query_is_laid_out(reader) -> None:
    body = reader.get("/api/v1/format_query", {"query": "sum( rate(x [5m]))by(a)"}).json()
    assert body == {"status": "success", "data": "sum by (a) (rate(x[5m]))"}


def test_text_that_is_not_unicode_is_still_json(reader, store) -> None:
    body = reader.get("/api/v1/query", {"query": '"\\xff"', "time": "1"}).json()
    assert body["data"]["result"] == [1, "?"]


def test_nobody_asks_without_a_token(client: Client) -> None:
    response = client.get("/api/v1/query", {"query": "1"})
    assert (response.status_code, response.json()["errorType"]) == (401, "unauthorized")


def test_a_token_needs_the_scope_query() -> None:
    assert client_with("ingest:metrics").get("/api/v1/query", {"query": "1"}).status_code == 403


@pytest.mark.parametrize(
    ("role", "status"),
    [("administrator", 200), ("operator", 200), ("security_reviewer", 200), ("cost_viewer", 403)],
)
def test_people_ask_by_their_role(store, role: str, status: int) -> None:
    assert client_with_role(role).get("/api/v1/query", {"query": "1"}).status_code == status
