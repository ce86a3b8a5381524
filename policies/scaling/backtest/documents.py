"""From a policy document to the plan that is replayed, and from a plan that was chosen back to a document."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from policies.documents.located import DocumentError, Located, read_documents
from policies.scaling import own_document
from policies.scaling.backtest.plan import Kind, Plan, Zero
from policies.scaling.hpa import document as hpa
from policies.scaling.hpa.replicas import DEFAULT_TOLERANCE
from policies.scaling.keda import document as keda

_KINDS: Final = (hpa.KIND, keda.KIND, own_document.KIND)

Policy = hpa.Autoscaler | keda.ScaledObject | own_document.OwnPolicy


@dataclass(frozen=True, slots=True)
class Read:
    """A policy, its plan and what the replay leaves out."""

    policy: Policy
    plan: Plan
    notes: tuple[str, ...]


def read_policies(text: str, name: str) -> list[Read]:
    """Every policy of a YAML stream; `name` stands for those that have none. Raises DocumentError."""
    documents = read_documents(text)
    if not documents:
        raise DocumentError("the file holds no document")
    return [read_policy(document, name) for document in documents]


def read_policy(located: Located, name: str) -> Read:
    """One policy. Raises DocumentError for a kind that is not a scaling policy, and for every fault within."""
    fields = located.fields()
    if "kind" not in fields:
        raise located.place.error("has no kind")
    kind = fields["kind"].choice(*_KINDS)
    if kind == hpa.KIND:
        return _from_hpa(hpa.read_autoscaler(located), name)
    if kind == keda.KIND:
        return _from_keda(keda.read_scaled_object(located), located, name)
    return _from_own(own_document.read_own_policy(located), name)


def _from_hpa(policy: hpa.Autoscaler, name: str) -> Read:
    metric, others = policy.metrics[0], policy.metrics[1:]
    target = float(metric.target) if metric.target_type == "Utilization" else metric.target / 1000
    plan = Plan(
        name=policy.name or name,
        kind=kind_of(metric),
        target=target,
        minimum=max(1, policy.minimum),
        maximum=policy.maximum,
        tolerance_up=_tolerance(policy.up),
        tolerance_down=_tolerance(policy.down),
        up=policy.up,
        down=policy.down,
        zero=Zero(0.0, 0) if policy.minimum == 0 else None,
    )
    return Read(policy, plan, _others([other.name for other in others], metric.name))


def kind_of(metric: hpa.Metric) -> Kind:
    """How the replay computes the metric from the load."""
    if metric.target_type == "Utilization":
        return "utilization"
    if metric.target_type == "Value":
        return "value"
    return "value_per_pod" if metric.source in ("Object", "External") else "pods"


def _tolerance(rules: hpa.Rules | None) -> float:
    return DEFAULT_TOLERANCE if rules is None or rules.tolerance is None else rules.tolerance


def _others(left_out: list[str], replayed: str) -> tuple[str, ...]:
    if not left_out:
        return ()
    return (f"the load stands for the metric {replayed}; not replayed: {', '.join(left_out)}",)


def _from_keda(policy: keda.ScaledObject, located: Located, name: str) -> Read:
    measured = [trigger for trigger in policy.triggers if trigger.type != "cron"]
    cron = [_cron(trigger, located, policy.maximum) for trigger in policy.triggers if trigger.type == "cron"]
    trigger = next((one for one in measured if one.target is not None), None)
    if trigger is None or trigger.target is None:
        raise located.fields()["spec"].place.error("has no trigger with a target that can be replayed")
    zero = None
    if policy.minimum == 0 or policy.idle is not None:
        zero = Zero(trigger.activation / 1000, policy.cooldown_seconds, policy.idle or 0)
    percent = trigger.metric_type == "Utilization"
    kinds: Mapping[str, Kind] = {"Utilization": "utilization", "Value": "value", "AverageValue": "value_per_pod"}
    plan = Plan(
        name=policy.name or name,
        kind="pods" if trigger.type in ("cpu", "memory") and not percent else kinds[trigger.metric_type],
        target=trigger.target / 1000,
        minimum=max(1, policy.minimum),
        maximum=policy.maximum,
        tolerance_up=_tolerance(policy.up),
        tolerance_down=_tolerance(policy.down),
        up=policy.up,
        down=policy.down,
        schedule=tuple(cron),
        zero=zero,
    )
    return Read(policy, plan, _others([one.type for one in measured if one is not trigger], trigger.type))


def _cron(trigger: keda.Trigger, located: Located, maximum: int) -> own_document.Scheduled:
    words = {"replicas": trigger.metadata.get("desiredReplicas"), **trigger.metadata}
    fields = {name: words.get(name) for name in ("start", "end", "timezone", "replicas")}
    if not str(fields["replicas"]).isdigit():
        raise located.place.error(f"has a cron trigger whose desiredReplicas is {fields['replicas']!r}")
    made = {**{k: str(v) for k, v in fields.items() if v is not None}, "replicas": int(str(fields["replicas"]))}
    place = located.place
    return own_document.read_scheduled(
        Located({name: Located(value, place) for name, value in made.items()}, place), maximum
    )


def _from_own(policy: own_document.OwnPolicy, name: str) -> Read:
    plan = Plan(
        name=policy.name or name,
        kind="value_per_pod",
        target=policy.target / 1000,
        minimum=policy.minimum,
        maximum=policy.maximum,
        tolerance_up=_tolerance(policy.up),
        tolerance_down=_tolerance(policy.down),
        up=policy.up,
        down=policy.down,
        schedule=policy.schedule,
        forecast=policy.forecast,
    )
    return Read(policy, plan, ())


def as_autoscaler(plan: Plan, workload: str) -> dict[str, Any]:
    """An `autoscaling/v2` document that decides as the plan does, but for schedules, forecasts and scaling to zero."""
    return {
        "apiVersion": hpa.API_VERSION,
        "kind": hpa.KIND,
        "metadata": {"name": plan.name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload},
            "minReplicas": plan.minimum,
            "maxReplicas": plan.maximum,
            "metrics": [_metric(plan)],
            **(
                {"behavior": {"scaleUp": _rules(plan.up), "scaleDown": _rules(plan.down)}}
                if plan.up and plan.down
                else {}
            ),
        },
    }


def changed(policy: Policy, plan: Plan) -> dict[str, Any]:
    """The policy's own document with the limits and the target of `plan`; everything else stays as it was written."""
    document: dict[str, Any] = copy.deepcopy(dict(policy.document))
    spec = document["spec"]
    if isinstance(policy, keda.ScaledObject):
        spec["minReplicaCount"] = 0 if plan.zero and policy.minimum == 0 else plan.minimum
        spec["maxReplicaCount"] = plan.maximum
        _change_trigger(spec["triggers"], plan)
    elif isinstance(policy, own_document.OwnPolicy):
        spec |= {
            "minReplicas": plan.minimum,
            "maxReplicas": plan.maximum,
            "target": {"averageValue": _plain(plan.target)},
        }
    else:
        spec["minReplicas"] = 0 if plan.zero else plan.minimum
        spec["maxReplicas"] = plan.maximum
        made = _metric(plan)
        if spec.get("metrics"):
            _change_target(spec["metrics"][0], made)
        else:
            spec["metrics"] = [made]
    _change_window(document, policy, plan)
    return document


def _change_trigger(triggers: list[dict[str, Any]], plan: Plan) -> None:
    for trigger in triggers:
        name = next((name for name in keda.THRESHOLDS if name in trigger["metadata"]), None)
        if trigger["type"] != "cron" and name:
            trigger["metadata"][name] = _plain(plan.target)
            return


def _change_target(metric: dict[str, Any], made: dict[str, Any]) -> None:
    key = next(key for key in metric if key != "type")
    metric[key]["target"] = next(value for name, value in made.items() if name != "type")["target"]


def _change_window(document: dict[str, Any], policy: Policy, plan: Plan) -> None:
    if plan.down is None or plan.down == policy.down:
        return
    spec = document["spec"]
    if isinstance(policy, keda.ScaledObject):
        spec = spec.setdefault("advanced", {}).setdefault("horizontalPodAutoscalerConfig", {})
    behavior = spec.setdefault("behavior", {})
    behavior.setdefault("scaleDown", {})["stabilizationWindowSeconds"] = plan.down.stabilization_seconds


def _metric(plan: Plan) -> dict[str, Any]:
    if plan.kind == "utilization":
        target: dict[str, Any] = {"type": "Utilization", "averageUtilization": int(plan.target)}
        return {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    name = {"name": "load"}
    if plan.kind == "value":
        return {
            "type": "External",
            "external": {"metric": name, "target": {"type": "Value", "value": _plain(plan.target)}},
        }
    target = {"type": "AverageValue", "averageValue": _plain(plan.target)}
    kind, key = ("Pods", "pods") if plan.kind == "pods" else ("External", "external")
    return {"type": kind, key: {"metric": name, "target": target}}


def _rules(rules: hpa.Rules) -> dict[str, Any]:
    made: dict[str, Any] = {
        "stabilizationWindowSeconds": rules.stabilization_seconds,
        "selectPolicy": rules.select,
        "policies": [
            {"type": policy.type, "value": policy.value, "periodSeconds": policy.period_seconds}
            for policy in rules.policies
        ],
    }
    return made if rules.tolerance is None else {**made, "tolerance": _plain(rules.tolerance)}


def _plain(value: float) -> str:
    milli = round(value * 1000)
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def as_yaml(document: Mapping[str, Any]) -> str:
    """The document as YAML, in the order of its fields."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
