"""The replica count is the one that the Kubernetes autoscaler would ask for, with its reason."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.scaling.headroom import headroom_ratio, saturation_ratio
from policies.scaling.recommendation import recommend_replicas

CASES = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "autoscaling" / "hpa_replica_cases.json"


@pytest.mark.parametrize(
    ("current", "metric", "target", "limits", "replicas", "limited_by"),
    [
        (3, 0.5, 0.3, (1, 10), 5, ""),
        (3, 0.50, 0.51, (1, 10), 3, ""),
        (10, 1.1, 1.0, (1, 20), 10, ""),
        (10, 1.11, 1.0, (1, 20), 12, ""),
        (10, 0.89, 1.0, (1, 20), 9, ""),
        (4, 0.0, 0.5, (2, 10), 2, "minimum"),
        (4, 5.0, 0.5, (2, 10), 10, "maximum"),
        (4, 5.0, 0.5, (2, None), 40, ""),
        (0, 5.0, 0.5, (0, 10), 0, ""),
    ],
)
def test_replicas_follow_the_ratio_of_metric_and_target(
    current: int, metric: float, target: float, limits: tuple[int, int | None], replicas: int, limited_by: str
) -> None:
    result = recommend_replicas(current, metric, target, minimum=limits[0], maximum=limits[1])
    assert (result.replicas, result.limited_by) == (replicas, limited_by)


def test_formula_and_reason_can_be_read_aloud() -> None:
    up = recommend_replicas(4, 0.9, 0.6, maximum=5)
    assert up.formula == "ceil(4 x 0.9 / 0.6) = 6"
    assert up.reason == "the load is 150% of its target; the maximum of 5 replicas holds it"
    assert recommend_replicas(4, 0.9, 0.6).reason == "the load is 150% of its target: add 2"
    assert recommend_replicas(4, 0.6, 0.6).formula == "0.6 / 0.6 is within 0.1 of 1: stay at 4"


def _simple_cases() -> list[dict[str, object]]:
    """Decisions of the Kubernetes project that depend on current count, metric and target alone."""
    if not CASES.exists():
        return []
    conditions = ("pod_ready", "pod_initializing", "pod_phase", "pod_deleted")
    return [
        case
        for case in json.loads(CASES.read_text())["cases"]
        if case["kind"] == "pods"
        and not any(case.get(name) for name in conditions)
        and len(case["levels_milli"]) == case["current_replicas"]
    ]


@pytest.mark.skipif(not CASES.exists(), reason="the decisions of the Kubernetes project are not on this machine")
def test_decisions_of_the_kubernetes_project_are_reproduced() -> None:
    cases = _simple_cases()
    assert cases
    for case in cases:
        levels = case["levels_milli"]
        result = recommend_replicas(len(levels), sum(levels) / len(levels), case["target_milli"])
        assert result.replicas == case["expected_replicas"], case["name"]


@given(st.integers(1, 500), st.floats(0, 1e6), st.floats(0.001, 1e6), st.integers(1, 50), st.integers(0, 500))
def test_a_recommendation_never_leaves_its_limits(
    current: int, metric: float, target: float, minimum: int, room: int
) -> None:
    result = recommend_replicas(current, metric, target, minimum=minimum, maximum=minimum + room)
    assert minimum <= result.replicas <= minimum + room
    assert bool(result.limited_by) == (result.replicas != result.wanted)


@pytest.mark.parametrize(
    ("current", "metric", "target", "minimum", "maximum"),
    [(3, 1, 0, 1, 5), (3, -1, 1, 1, 5), (3, float("nan"), 1, 1, 5), (-1, 1, 1, 1, 5), (3, 1, 1, 5, 2)],
)
def test_impossible_values_are_refused(current: int, metric: float, target: float, minimum: int, maximum: int) -> None:
    with pytest.raises(ValueError, match=r"target|metric|replicas|minimum"):
        recommend_replicas(current, metric, target, minimum=minimum, maximum=maximum)


@given(st.floats(0, 1e12), st.floats(0.001, 1e12))
def test_headroom_is_what_saturation_leaves(used: float, capacity: float) -> None:
    assert 0 <= headroom_ratio(used, capacity) <= 1
    if used <= capacity:
        assert headroom_ratio(used, capacity) + saturation_ratio(used, capacity) == pytest.approx(1)


def test_capacity_must_be_positive() -> None:
    with pytest.raises(ValueError, match="capacity must be positive, not 0"):
        headroom_ratio(1, 0)
