"""Back-tests and scaling policies over the REST API."""

import pytest
from django.test import Client

from fleet.tokens import create_token
from policies.scaling.backtest.plan import Plan
from tests.dashboard.backtests.simulated_controller import STEP_SECONDS, daily_load, send_cluster
from tests.dashboard.views.fleet_data import make_services
from tests.dashboard.views.test_backtest_page import DOCUMENT

pytestmark = pytest.mark.django_db

START_MS = 1_767_225_600_000
STEPS = 960
ASKED = {
    "service": "shop",
    "environment": "production",
    "start_ms": START_MS,
    "end_ms": START_MS + (STEPS - 1) * STEP_SECONDS * 1000,
    "search": 10,
}


def client_with(*scopes: str) -> Client:
    _, secret = create_token(name="ci", scopes=scopes, actor="test")
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_a_backtest_is_asked_read_again_and_exported(store) -> None:
    make_services("shop")
    send_cluster(store, "shop", Plan("shop", "utilization", 60, 2, 12), START_MS, daily_load(STEPS))
    client = client_with("query")
    made = client.post("/api/backtests", ASKED, content_type="application/json")
    assert made.status_code == 200, made.content
    key = made.json()["key"]
    again = client.get(f"/api/backtests/{key}").json()
    assert again["state"] == "done"
    assert again["result"]["ran"]["replica_hours"] > 0
    best = again["result"]["pareto"][0]
    assert (
        "kind: HorizontalPodAutoscaler"
        in client.get(f"/api/backtests/{key}/document", {"policy": best}).content.decode()
    )
    assert [row["key"] for row in client.get("/api/backtests?service=shop").json()["items"]] == [key]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"service": "nothing"}, "there is no service called 'nothing'"),
        ({"price": "much"}, "price is 'much'"),
        ({"end_ms": 0}, "the range ends before it starts"),
        ({"step_seconds": 0}, "step_seconds is 0; expected 1 to 3600"),
        ({"policies": [{"text": "kind: Nothing"}]}, "line 1, column 7"),
        ({"load": "query"}, "query is empty"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_its_fault(change, fault) -> None:
    make_services("shop")
    answered = client_with("query").post("/api/backtests", {**ASKED, **change}, content_type="application/json")
    assert answered.status_code == 422
    assert fault in answered.json()["error"]


def test_a_large_backtest_is_accepted_and_left_to_a_job() -> None:
    make_services("shop")
    asked = {**ASKED, "search": 1000}
    answered = client_with("query").post("/api/backtests", asked, content_type="application/json")
    assert (answered.status_code, answered.json()["state"]) == (202, "running")


def test_saving_a_policy_needs_more_than_reading() -> None:
    make_services("shop")
    body = {"service": "shop", "environment": "production", "text": DOCUMENT}
    assert client_with("query").post("/api/scaling-policies", body, content_type="application/json").status_code == 403
    saved = client_with("admin").post("/api/scaling-policies", body, content_type="application/json")
    assert (saved.json()["name"], saved.json()["version"]) == ("shop", 1)
    assert client_with("query").get("/api/scaling-policies").json()[0]["text"] == DOCUMENT
