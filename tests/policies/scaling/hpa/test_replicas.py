"""The replica calculator decides as the one of Kubernetes."""

import json
from pathlib import Path

import pytest

from policies.scaling.decision_cases import BadCase, decide_all

SHARED = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "autoscaling" / "hpa_replica_cases.json"


def cpu(name: str, current: int, levels: list[int], target: int, **more: object) -> dict[str, object]:
    requests = more.pop("requests", [1.0] * max(current, len(levels)))
    return {
        "name": name,
        "kind": "resource_cpu",
        "current_replicas": current,
        "requests_cores": requests,
        "levels_millicores": levels,
        "target_utilization_percent": target,
        **more,
    }


def pods(current: int, levels: list[int], target: int, **more: object) -> dict[str, object]:
    return {
        "name": "p",
        "kind": "pods",
        "current_replicas": current,
        "levels_milli": levels,
        "target_milli": target,
        **more,
    }


@pytest.mark.skipif(not SHARED.exists(), reason="the transcribed cases of Kubernetes are not beside this checkout")
def test_every_transcribed_case_of_kubernetes_is_decided_alike() -> None:
    document = json.loads(SHARED.read_text())
    for case, decision in zip(document["cases"], decide_all(document), strict=True):
        assert decision.replicas == case["expected_replicas"], case["name"]
        assert (case.get("expected_error") or "") in (decision.error or ""), case["name"]


@pytest.mark.parametrize(
    ("case", "replicas"),
    [
        (cpu("integer percent is cut", 3, [300, 500, 704], 50), 3),
        (
            cpu(
                "failed pods do not count",
                2,
                [500, 700],
                30,
                pod_phase=["Running", "Running", "Failed"],
                requests=[1.0] * 3,
            ),
            4,
        ),
        (cpu("deleted pods do not count", 2, [500, 700], 30, pod_deleted=[False, False, True], requests=[1.0] * 3), 4),
        (cpu("pending pods are idle on the way up", 2, [600], 30, pod_phase=["Running", "Pending"]), 2),
        (cpu("pending pods are left out on the way down", 5, [100], 50, pod_phase=["Running"] + ["Pending"] * 4), 1),
        (
            cpu(
                "metrics of unknown pods do not count", 4, [4000, 9500, 3000, 7000, 3200, 2000], 100, requests=[1.0] * 4
            ),
            24,
        ),
        (cpu("a missing pod is at least at its target", 4, [100, 100, 100], 200), 2),
        (
            cpu(
                "a surge never turns a scale down up", 2, [100, 100], 50, pod_phase=["Running"] * 3, requests=[1.0] * 3
            ),
            2,
        ),
        (pods(2, [15000], 15000), 1),
        (pods(5, [12000] * 5, 20000), 3),
        ({**pods(0, [8600], 4400), "kind": "external"}, 2),
        ({**pods(5, [8600], 2867), "kind": "external_per_pod"}, 3),
        ({**pods(3, [50000], 10000), "kind": "object", "pod_ready": [False, True, False]}, 5),
    ],
    ids=lambda value: value.get("name") if isinstance(value, dict) else None,
)
def test_doubtful_pods_never_drive_a_change(case: dict[str, object], replicas: int) -> None:
    assert decide_all([case])[0].replicas == replicas


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (cpu("a", 2, [], 50, requests=[1.0, 1.0]), "no metrics returned from resource metrics API"),
        (cpu("a", 2, [100, 100], 50, requests=[1.0]), "missing request for cpu"),
        (cpu("a", 1, [100], 100, pod_names=["an-older-name"]), "no metrics returned matched known pods"),
        (cpu("a", 0, [100], 100, requests=[]), "no pods returned by selector"),
        (cpu("a", 1, [100], 0), "target_utilization_percent is 0; expected a number above zero"),
        (cpu("a", -1, [100], 10), "current_replicas is -1"),
        (pods(1, ["many"], 10), "levels_milli holds 'many'"),  # type: ignore[list-item]
        ({"name": "a", "kind": "weather"}, "kind is 'weather'; expected resource_cpu"),
    ],
)
def test_a_case_without_a_decision_says_why(case: dict[str, object], error: str) -> None:
    decision = decide_all([case])[0]
    assert decision.replicas is None
    assert error in (decision.error or "")


def test_one_bad_case_does_not_take_the_others_along() -> None:
    decisions = decide_all({"tolerance": 0.1, "cases": [{"kind": None}, cpu("b", 3, [300, 500, 700], 30)]})
    assert [(decision.name, decision.replicas) for decision in decisions] == [("", None), ("b", 5)]


@pytest.mark.parametrize("document", [{}, "cases", {"cases": {}}, [1]])
def test_a_file_of_another_form_is_refused(document: object) -> None:
    with pytest.raises(BadCase, match="expected"):
        decide_all(document)
