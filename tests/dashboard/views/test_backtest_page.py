"""Back-tests and policies as people see them."""

import pytest

from fleet.models import AuditEvent, Backtest, ScalingPolicy
from policies.scaling.backtest.plan import Plan
from tests.dashboard.backtests.simulated_controller import STEP_SECONDS, daily_load, send_cluster
from tests.dashboard.people import client_with_role
from tests.dashboard.views.fleet_data import make_services

pytestmark = pytest.mark.django_db

START_MS = 1_767_225_600_000
STEPS = 960
RANGE = f"from={START_MS}&to={START_MS + (STEPS - 1) * STEP_SECONDS * 1000}"
DOCUMENT = """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  minReplicas: 2
  maxReplicas: 12
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}
"""
FORM = {
    "service": "shop", "environment": "production", "load": "requests", "objective_seconds": "0.5",
    "start_up_seconds": "60", "step_seconds": "15", "price": "0.04", "currency": "USD", "search": "10",
    "factor": "1",
    "recorded": "on",
}  # fmt: skip


def test_a_backtest_is_asked_and_shown_under_an_address_of_its_own(store) -> None:
    make_services("shop")
    send_cluster(store, "shop", Plan("shop", "utilization", 60, 2, 12), START_MS, daily_load(STEPS))
    client = client_with_role("operator")
    answered = client.post(f"/scaling/backtest?{RANGE}", FORM)
    row = Backtest.objects.get()
    assert row.error == ""
    assert answered.headers["Location"] == f"/scaling/backtest/{row.key}"
    page = client.get(answered.headers["Location"]).content.decode()
    assert "what really ran" in page
    assert "kind: HorizontalPodAutoscaler" in page
    assert client.get(f"/scaling/backtest/{row.key}?format=csv").headers["Content-Type"].startswith("text/csv")


def test_the_same_question_is_answered_from_what_was_kept(store) -> None:
    make_services("shop")
    send_cluster(store, "shop", Plan("shop", "utilization", 60, 2, 12), START_MS, daily_load(STEPS))
    client = client_with_role("operator")
    client.post(f"/scaling/backtest?{RANGE}", FORM)
    first = Backtest.objects.get()
    client.post(f"/scaling/backtest?{RANGE}", FORM)
    assert Backtest.objects.get().finished_at == first.finished_at


def test_a_large_backtest_is_left_to_a_job(store) -> None:
    make_services("shop")
    client = client_with_role("operator")
    answered = client.post(f"/scaling/backtest?{RANGE}", {**FORM, "search": "1000"})
    row = Backtest.objects.get()
    assert row.job is not None
    assert row.job.kind == "scaling.backtest"
    assert "Waiting for a worker" in client.get(answered.headers["Location"]).content.decode()


def test_a_failed_backtest_says_why(store) -> None:
    make_services("shop")
    client = client_with_role("operator")
    answered = client.post(f"/scaling/backtest?{RANGE}", FORM)
    assert "no load (requests/s) is recorded" in client.get(answered.headers["Location"]).content.decode()


def test_a_faulty_pasted_policy_is_told_with_its_line(store) -> None:
    make_services("shop")
    client = client_with_role("operator")
    wrong = DOCUMENT.replace("minReplicas: 2", "minReplicas: 20")
    page = client.post(f"/scaling/backtest?{RANGE}", {**FORM, "yaml": wrong}).content.decode()
    assert "line 6, column" in page
    assert not Backtest.objects.exists()


def test_policies_are_saved_as_versions_with_an_audit_event() -> None:
    make_services("shop")
    client = client_with_role("operator")
    for text in (DOCUMENT, DOCUMENT, DOCUMENT.replace("maxReplicas: 12", "maxReplicas: 20")):
        client.post("/scaling/policies", {"service": "shop", "environment": "production", "text": text})
    policy = ScalingPolicy.objects.get()
    assert [version.number for version in policy.versions.all()] == [2, 1]
    assert policy.changed_by.endswith("operator-user")
    actions = AuditEvent.objects.filter(object_type="scaling_policy").values_list("action", flat=True).order_by("pk")
    assert list(actions) == ["scaling_policy.added", "scaling_policy.changed"]
    assert "maxReplicas: 20" in client.get("/scaling/policies").content.decode()


def test_a_faulty_policy_is_not_saved() -> None:
    make_services("shop")
    client = client_with_role("operator")
    wrong = DOCUMENT.replace("averageUtilization: 60", "averageUtilization: 0")
    page = client.post("/scaling/policies", {"service": "shop", "text": wrong}).content.decode()
    assert "line 9, column" in page
    assert not ScalingPolicy.objects.exists()


def test_someone_who_only_looks_may_not_save_policies() -> None:
    client = client_with_role("security_reviewer")
    assert client.post("/scaling/policies", {"text": DOCUMENT}).status_code == 403


def test_the_policies_page_takes_the_same_queries_however_many_there_are(django_assert_max_num_queries) -> None:
    service = make_services("shop")[0]
    client = client_with_role("operator")
    for number in range(12):
        text = DOCUMENT.replace("{name: shop}", f"{{name: shop-{number}}}")
        client.post("/scaling/policies", {"service": service.name, "text": text})
    with django_assert_max_num_queries(14):
        client.get("/scaling/policies")


def test_the_scaling_page_says_why_a_service_scaled(store) -> None:
    service = make_services("shop")[0]
    send_cluster(store, "shop", Plan("shop", "utilization", 60, 2, 12), START_MS, daily_load(STEPS))
    client = client_with_role("operator")
    page = client.get(f"/scaling?{RANGE}&service={service.name}&environment=production").content.decode()
    assert "Why it scaled" in page
    assert "ceil(2 x" in page
    assert "none stored" in page
