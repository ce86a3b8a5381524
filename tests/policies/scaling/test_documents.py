"""Scaling policies are read as Kubernetes and KEDA read them; every fault is told where it was written."""

import pytest
import yaml

from policies.documents.located import DocumentError
from policies.scaling.backtest.documents import as_autoscaler, as_yaml, changed, read_policies
from policies.scaling.hpa.document import DEFAULT_DOWN, RatePolicy

HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop, labels: {team: blue}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 10
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: 60}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 30
      selectPolicy: Min
      policies: [{type: Pods, value: 2, periodSeconds: 60}]
"""
KEDA = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: queue}
spec:
  scaleTargetRef: {name: worker}
  cooldownPeriod: 120
  maxReplicaCount: 20
  triggers:
    - type: prometheus
      metadata: {serverAddress: "http://prometheus:9090", query: sum(jobs), threshold: "50", activationThreshold: "2"}
    - type: cron
      metadata: {timezone: Europe/Berlin, start: "0 8 * * 1-5", end: "0 18 * * 1-5", desiredReplicas: "4"}
"""
OWN = """\
apiVersion: belvedere/v1
kind: ScalingPolicy
metadata: {name: checkout}
spec:
  maxReplicas: 20
  target: {averageValue: "1500m"}
  schedule: [{start: "0 8 * * *", end: "0 18 * * *", replicas: 6}]
  forecast: {periodSeconds: 86400, lookAheadSeconds: 300, quantile: 0.9}
"""


def test_an_autoscaler_is_read_with_the_defaults_of_the_api_server() -> None:
    plan = read_policies(HPA, "file")[0].plan
    assert (plan.name, plan.kind, plan.target, plan.minimum, plan.maximum) == ("web", "utilization", 60.0, 2, 10)
    assert plan.up is not None
    assert (plan.up.stabilization_seconds, plan.up.select) == (30, "Min")
    assert plan.up.policies == (RatePolicy("Pods", 2, 60),)
    assert plan.down == DEFAULT_DOWN


def test_an_autoscaler_without_metrics_keeps_cpu_at_eighty_percent() -> None:
    text = HPA[: HPA.index("  metrics:")]
    plan = read_policies(text, "file")[0].plan
    assert (plan.kind, plan.target, plan.up) == ("utilization", 80.0, None)


def test_a_document_is_written_back_unchanged_but_for_what_was_chosen() -> None:
    for text in (HPA, KEDA, OWN):
        read = read_policies(text, "file")[0]
        assert changed(read.policy, read.plan) == {**yaml.safe_load(text)} | _defaults_said(text, read.plan)


def _defaults_said(text: str, plan: object) -> dict[str, object]:
    document = yaml.safe_load(text)
    if document["kind"] == "ScaledObject":
        document["spec"]["minReplicaCount"] = 0
    if document["kind"] == "ScalingPolicy":
        document["spec"]["minReplicas"] = 1
    return document


def test_a_scaled_object_scales_to_zero_and_by_the_clock() -> None:
    plan = read_policies(KEDA, "file")[0].plan
    assert (plan.kind, plan.target, plan.minimum, plan.maximum) == ("value_per_pod", 50.0, 1, 20)
    assert plan.zero is not None
    assert (plan.zero.activation, plan.zero.cooldown_seconds) == (2.0, 120)
    assert [(line.start.text, line.timezone, line.replicas) for line in plan.schedule] == [
        ("0 8 * * 1-5", "Europe/Berlin", 4)
    ]


def test_an_own_policy_carries_schedule_and_forecast() -> None:
    plan = read_policies(OWN, "file")[0].plan
    assert (plan.name, plan.target, len(plan.schedule)) == ("checkout", 1.5, 1)
    assert plan.forecast is not None


def test_several_documents_of_one_file_are_all_read() -> None:
    assert [read.plan.name for read in read_policies(f"{HPA}---\n{KEDA}---\n", "file")] == ["web", "queue"]


def test_an_exported_plan_reads_back_as_itself() -> None:
    for text in (HPA, HPA[: HPA.index("  behavior:")]):
        plan = read_policies(text, "file")[0].plan
        assert read_policies(as_yaml(as_autoscaler(plan, "web")), "file")[0].plan == plan


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "minReplicas: 2",
            "minReplicas: 20",
            "line 6, column 16: spec.minReplicas is 20; expected at most maxReplicas",
        ),
        ("minReplicas: 2", "minReplicas: 0", "line 6, column 16: spec.minReplicas is 0; scaling to zero needs"),
        ("maxReplicas: 10", "maxReplicas: 0", "line 7, column 16: spec.maxReplicas is 0; expected a whole"),
        ("averageUtilization: 60", "averageUtilization: 0", "averageUtilization is 0; expected a whole number"),
        ("minReplicas: 2", "minimum: 2", "line 6, column 12: spec.minimum is not known here; known are"),
        ("type: Utilization", "type: Value", "expected one of Utilization, AverageValue"),
        ("value: 2, ", "value: 0, ", "spec.behavior.scaleUp.policies[0].value is 0"),
        ("autoscaling/v2", "autoscaling/v1", "expected one of autoscaling/v2"),
        ("HorizontalPodAutoscaler", "Deployment", "kind is 'Deployment'; expected one of"),
        ("minReplicas: 2", "minReplicas: 2\n  minReplicas: 3", "line 7, column 3: spec.minReplicas is given twice"),
        ("minReplicas: 2", "minReplicas: [", "line 8, column 10: expected"),
    ],
)
def test_a_fault_is_told_with_its_place(old: str, new: str, fault: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_policies(HPA.replace(old, new), "file")
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('threshold: "50"', 'threshold: "0"', "expected a target above zero"),
        ('threshold: "50"', 'threshold: "many"', "expected a quantity"),
        ("maxReplicaCount: 20", "maxReplicaCount: 20\n  idleReplicaCount: 1", "expected less than minReplicaCount"),
        ('"0 8 * * 1-5"', '"0 25 * * 1-5"', "hour: '25' is not a number from 0 to 23"),
        ("Europe/Berlin", "Europe/Atlantis", "expected a time zone"),
    ],
)
def test_a_fault_of_a_scaled_object_is_told(old: str, new: str, fault: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_policies(KEDA.replace(old, new), "file")
    assert fault in str(caught.value)


def test_references_cannot_multiply_without_end() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    with pytest.raises(DocumentError, match="100000"):
        read_policies(bomb, "file")
