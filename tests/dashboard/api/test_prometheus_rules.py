"""Rules and alerts of the Prometheus API, word for word as Prometheus 3.5 answers them."""

from datetime import timedelta

import pytest
from django.test import Client

from dashboard.api.prometheus.rules import exponent_text
from fleet.models import RuleGroup
from fleet.tokens import create_token
from policies.rules.files import load_rule_file
from policies.rules.schedule import instant, run_group
from tests.telemetry.batches import NOW_MS, sample_batch, series

pytestmark = pytest.mark.django_db

FILE = """
groups:
- name: g
  interval: 5s
  limit: 10
  rules:
  - record: job:up
    expr: sum  by(job) (up)
  - record: job:up2
    expr: up
    labels: {a: b}
  - alert: Always
    expr: vector(1) > 0
    labels: {sev: page}
    annotations: {s: "v {{ $value }}"}
  - alert: Wait
    expr: up
    for: 1h
    keep_firing_for: 5m
- name: h
  rules:
  - alert: Never
    expr: up == 7
"""


@pytest.fixture
def reader() -> Client:
    _, text = create_token(name="test", scopes=("query",), actor="system")
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.fixture(autouse=True)
def _evaluated(store) -> None:
    store.write_samples(sample_batch({series("up", job="a"): [(NOW_MS, 1.0)]})).result(30)
    load_rule_file(name="rules.yml", text=FILE, actor="system")
    group = RuleGroup.objects.get(name="g")
    at = instant(NOW_MS)
    RuleGroup.objects.filter(pk=group.pk).update(next_at=at)
    assert run_group(group.pk, at + timedelta(milliseconds=1))


def answered(reader: Client, **query) -> list[dict]:
    response = reader.get("/api/v1/rules", query)
    assert response.status_code == 200, response.content
    return response.json()["data"]["groups"]


def test_groups_are_listed_with_their_rules(reader) -> None:
    first, second = answered(reader)
    assert (first["name"], first["file"], first["interval"], first["limit"]) == ("g", "rules.yml", 5, 10)
    assert (second["interval"], second["lastEvaluation"]) == (60, "0001-01-01T00:00:00Z")
    record, labelled, always, wait = first["rules"]
    time = record.pop("lastEvaluation")
    assert record.pop("evaluationTime") > 0
    assert record == {"name": "job:up", "query": "sum by (job) (up)", "health": "ok", "type": "recording"}
    assert labelled["labels"] == {"a": "b"}
    assert (always["state"], always["duration"], always["keepFiringFor"]) == ("firing", 0, 0)
    assert always["alerts"] == [
        {
            "labels": {"alertname": "Always", "sev": "page"},
            "annotations": {"s": "v 1"},
            "state": "firing",
            "activeAt": time,
            "value": "1e+00",
        }
    ]
    assert (wait["state"], wait["duration"], wait["keepFiringFor"], len(wait["alerts"])) == ("pending", 3600, 300, 1)


def test_a_rule_that_was_never_evaluated_is_not_called_healthy(reader) -> None:
    (never,) = answered(reader, **{"rule_name[]": "Never"})[0]["rules"]
    assert (never["health"], never["state"], never["alerts"]) == ("unknown", "unknown", [])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"type": "alert"}, ["Always", "Wait", "Never"]),
        ({"type": "record"}, ["job:up", "job:up2"]),
        ({"rule_name[]": ["Wait", "job:up"]}, ["job:up", "Wait"]),
        ({"rule_group[]": "h"}, ["Never"]),
        ({"file[]": "other.yml"}, []),
        ({"match[]": '{sev="page"}'}, ["Always"]),
        ({"match[]": ['{sev="page"}', '{a="b"}']}, ["job:up2", "Always"]),
    ],
)
def test_rules_are_chosen(reader, query, names) -> None:
    assert [rule["name"] for group in answered(reader, **query) for rule in group["rules"]] == names


def test_groups_come_in_pages(reader) -> None:
    data = reader.get("/api/v1/rules", {"group_limit": "1"}).json()["data"]
    assert [group["name"] for group in data["groups"]] == ["g"]
    rest = {"group_limit": "1", "group_next_token": data["groupNextToken"]}
    last = reader.get("/api/v1/rules", rest).json()["data"]
    assert ([group["name"] for group in last["groups"]], "groupNextToken" in last) == (["h"], False)


@pytest.mark.parametrize(
    "query",
    [{"type": "x"}, {"group_limit": "-1"}, {"group_next_token": "x"}, {"exclude_alerts": "perhaps"}, {"match[]": "{"}],
)
def test_wrong_parameters_are_refused(reader, query) -> None:
    response = reader.get("/api/v1/rules", query)
    assert (response.status_code, response.json()["errorType"]) == (400, "bad_data")


def test_alerts_are_left_out_on_request(reader) -> None:
    assert all(not rule.get("alerts") for group in answered(reader, exclude_alerts="true") for rule in group["rules"])


def test_active_alerts_are_listed(reader) -> None:
    alerts = reader.get("/api/v1/alerts").json()["data"]["alerts"]
    assert [alert["labels"]["alertname"] for alert in alerts] == ["Always", "Wait"]


def test_the_number_of_queries_does_not_grow_with_the_rules(reader, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(6):
        reader.get("/prometheus/api/v1/rules")


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1e+00"), (0.1, "1e-01"), (12345.678, "1.2345678e+04"), (float("inf"), "+Inf")]
)
def test_values_are_written_with_an_exponent(value, text) -> None:
    assert exponent_text(value) == text
