"""The replay of the policy that ran retells the recorded counts, read back from the store."""

import pytest

from dashboard.backtests.question import BadQuestion, Question
from dashboard.backtests.run import RECORDED_NAME, answer, document_of
from policies.scaling.backtest.documents import as_autoscaler, as_yaml
from policies.scaling.backtest.plan import Plan
from policies.scaling.hpa.document import DEFAULT_DOWN, DEFAULT_UP
from tests.dashboard.backtests.simulated_controller import STEP_SECONDS, daily_load, send_cluster

START_MS = 1_767_225_600_000
STEPS = 1440
PLAN = Plan("shop", "utilization", 60, 2, 12)
WITH_BEHAVIOR = Plan("shop", "utilization", 60, 2, 12, up=DEFAULT_UP, down=DEFAULT_DOWN)


def question(**changes: object) -> Question:
    end_ms = START_MS + (STEPS - 1) * STEP_SECONDS * 1000
    return Question(
        **{"service": "shop", "environment": "production", "start_ms": START_MS, "end_ms": end_ms, **changes}
    )


@pytest.mark.parametrize("query", ["requests_now", "cores_now"])
def test_the_replay_of_the_recorded_policy_equals_the_recorded_counts(store, query) -> None:
    desired = send_cluster(store, "shop", PLAN, START_MS, daily_load(STEPS))
    (row,) = answer(question(load="query", query=query), store)["results"]
    assert row["policy"] == RECORDED_NAME
    assert len(set(desired)) > 3
    assert row["agreement_ratio"] >= 0.99


def test_the_replay_of_a_document_with_behavior_equals_the_recorded_counts(store) -> None:
    send_cluster(store, "shop", WITH_BEHAVIOR, START_MS, daily_load(STEPS))
    policies = (("shop", as_yaml(as_autoscaler(WITH_BEHAVIOR, "shop"))),)
    asked = question(load="query", query="requests_now", policies=policies, recorded=False)
    (row,) = answer(asked, store)["results"]
    assert row["agreement_ratio"] >= 0.99


def test_what_really_ran_is_scored_by_its_own_counts(store) -> None:
    desired = send_cluster(store, "shop", PLAN, START_MS, daily_load(STEPS))
    ran = answer(question(load="query", query="requests_now"), store)["ran"]
    assert ran["replica_hours"] == pytest.approx(sum(desired) * STEP_SECONDS / 3600)
    assert ran["replicas"]["highest"] == max(desired)


def test_the_capacity_is_learned_from_minutes_in_which_the_objective_held(store) -> None:
    send_cluster(store, "shop", PLAN, START_MS, daily_load(STEPS))
    result = answer(question(load="query", query="requests_now"), store)
    assert 25 < result["capacity_per_replica"] <= 45
    assert result["minutes_behind_capacity"] > 300


def test_a_candidate_is_exported_as_the_document_that_decides_so(store) -> None:
    send_cluster(store, "shop", PLAN, START_MS, daily_load(STEPS))
    asked = question(load="query", query="requests_now", search=30)
    result = answer(asked, store)
    cheapest = result["pareto"][0]
    assert "kind: HorizontalPodAutoscaler" in document_of(asked, store, cheapest)
    assert "  name: shop" in document_of(asked, store, cheapest)
    row = next(one for one in result["results"] if one["policy"] == cheapest)
    assert f"minReplicas: {row['minimum']}" in document_of(asked, store, cheapest)


def test_a_service_without_recorded_load_is_told_so(store) -> None:
    with pytest.raises(BadQuestion, match=r"no load \(requests/s\) is recorded for shop in production"):
        answer(question(), store)


def test_more_traffic_needs_more_replicas_and_changes_neither_capacity_nor_request(store) -> None:
    send_cluster(store, "shop", PLAN, START_MS, daily_load(STEPS))
    usual, more = (answer(question(load="query", query="requests_now", factor=factor), store) for factor in (1.0, 1.8))
    assert more["capacity_per_replica"] == usual["capacity_per_replica"]
    assert more["results"][0]["replicas"]["mean"] > 1.4 * usual["results"][0]["replicas"]["mean"]
    assert more["ran"]["slo_violation_minutes"] > usual["ran"]["slo_violation_minutes"]
    assert more["results"][0]["agreement_ratio"] is None
