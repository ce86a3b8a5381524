"""HorizontalPodAutoscaler documents of `autoscaling/v2`: read, checked as the API server does, written back unchanged.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from policies.documents.located import Located
from policies.scaling.quantity import milli

API_VERSION: Final = "autoscaling/v2"
KIND: Final = "HorizontalPodAutoscaler"
MAX_REPLICAS: Final = 32_000
MAX_PERIOD_SECONDS: Final = 1800
MAX_STABILIZATION_SECONDS: Final = 3600
DEFAULT_CPU_PERCENT: Final = 80

Select = Literal["Max", "Min", "Disabled"]
Source = Literal["Resource", "ContainerResource", "Pods", "Object", "External"]
TargetType = Literal["Utilization", "AverageValue", "Value"]


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """At most `value` pods, or percent of the pods, within the period."""

    type: Literal["Pods", "Percent"]
    value: int
    period_seconds: int


@dataclass(frozen=True, slots=True)
class Rules:
    """How fast one direction may go."""

    stabilization_seconds: int
    select: Select
    policies: tuple[RatePolicy, ...]
    tolerance: float | None = None


DEFAULT_UP: Final = Rules(0, "Max", (RatePolicy("Pods", 4, 15), RatePolicy("Percent", 100, 15)))
DEFAULT_DOWN: Final = Rules(300, "Max", (RatePolicy("Percent", 100, 15),))


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric and its target; percent for Utilization, else thousandths."""

    source: Source
    name: str
    target_type: TargetType
    target: int


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """A HorizontalPodAutoscaler. `behavior` is None where the document has none: other rules apply then."""

    name: str
    workload: str
    minimum: int
    maximum: int
    metrics: tuple[Metric, ...]
    up: Rules | None
    down: Rules | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


def read_autoscaler(located: Located) -> Autoscaler:
    """The autoscaler of one document. Raises DocumentError with the place of the first fault."""
    top = located.fields("apiVersion", "kind", "metadata", "spec", "status")
    for name in ("apiVersion", "kind", "spec"):
        if name not in top:
            raise located.place.error(f"has no {name}")
    top["apiVersion"].choice(API_VERSION)
    top["kind"].choice(KIND)
    spec = top["spec"].fields("scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "behavior")
    for name in ("scaleTargetRef", "maxReplicas"):
        if name not in spec:
            raise top["spec"].place.error(f"has no {name}")
    metrics = read_metrics(spec["metrics"]) if "metrics" in spec else _default_metrics()
    minimum, maximum = _limits(spec, metrics)
    up, down = read_behavior(spec["behavior"]) if "behavior" in spec else (None, None)
    return Autoscaler(_name(top), _workload(spec["scaleTargetRef"]), minimum, maximum, metrics, up, down, located.plain)


def _name(top: Mapping[str, Located]) -> str:
    metadata = top["metadata"].fields() if "metadata" in top else {}
    return metadata["name"].text() if "name" in metadata else ""


def _workload(reference: Located) -> str:
    fields = reference.fields("apiVersion", "kind", "name")
    if "name" not in fields:
        raise reference.place.error("has no name")
    return fields["name"].text()


def _limits(spec: Mapping[str, Located], metrics: tuple[Metric, ...]) -> tuple[int, int]:
    maximum = spec["maxReplicas"].whole(1, MAX_REPLICAS)
    if "minReplicas" not in spec:
        return 1, maximum
    minimum = spec["minReplicas"].whole(0, MAX_REPLICAS)
    if minimum > maximum:
        raise spec["minReplicas"].error(f"expected at most maxReplicas, which is {maximum}")
    if minimum == 0 and not any(metric.source in ("Object", "External") for metric in metrics):
        raise spec["minReplicas"].error("scaling to zero needs an Object or External metric")
    return minimum, maximum


def _default_metrics() -> tuple[Metric, ...]:
    return (Metric("Resource", "cpu", "Utilization", DEFAULT_CPU_PERCENT),)


def read_metrics(located: Located) -> tuple[Metric, ...]:
    """The metrics of a list; cpu at 80 % where it is empty, as the API server has it."""
    return tuple(_metric(one) for one in located.items()) or _default_metrics()


_SOURCES: Final[Mapping[str, tuple[str, tuple[str, ...], tuple[TargetType, ...]]]] = {
    "Resource": ("resource", ("name", "target"), ("Utilization", "AverageValue")),
    "ContainerResource": ("containerResource", ("name", "container", "target"), ("Utilization", "AverageValue")),
    "Pods": ("pods", ("metric", "target"), ("AverageValue",)),
    "Object": ("object", ("describedObject", "metric", "target"), ("Value", "AverageValue")),
    "External": ("external", ("metric", "target"), ("Value", "AverageValue")),
}


def _metric(located: Located) -> Metric:
    fields = located.fields("type", *(key for key, _, _ in _SOURCES.values()))
    if "type" not in fields:
        raise located.place.error("has no type")
    source: Source = fields["type"].choice(*_SOURCES)  # type: ignore[assignment]
    key, known, target_types = _SOURCES[source]
    if key not in fields:
        raise located.place.error(f"has no {key}, which its type asks for")
    body = fields[key].fields(*known)
    for name in known:
        if name not in body:
            raise fields[key].place.error(f"has no {name}")
    target_type, target = _target(body["target"], target_types)
    return Metric(source, _metric_name(body), target_type, target)


def _metric_name(body: Mapping[str, Located]) -> str:
    if "metric" not in body:
        return body["name"].text()
    metric = body["metric"].fields("name", "selector")
    if "name" not in metric:
        raise body["metric"].place.error("has no name")
    return metric["name"].text()


_TARGET_FIELDS: Final[Mapping[TargetType, str]] = {
    "Utilization": "averageUtilization",
    "AverageValue": "averageValue",
    "Value": "value",
}


def _target(located: Located, allowed: tuple[TargetType, ...]) -> tuple[TargetType, int]:
    fields = located.fields("type", *_TARGET_FIELDS.values())
    if "type" not in fields:
        raise located.place.error("has no type")
    target_type: TargetType = fields["type"].choice(*allowed)  # type: ignore[assignment]
    name = _TARGET_FIELDS[target_type]
    if name not in fields:
        raise located.place.error(f"has no {name}, which its type asks for")
    if target_type == "Utilization":
        return target_type, fields[name].whole(1, 1_000_000)
    return target_type, positive_milli(fields[name])


def positive_milli(located: Located) -> int:
    """Thousandths of a quantity above zero. Raises DocumentError."""
    try:
        thousandths = milli(located.value)
    except ValueError as error:
        raise located.error(str(error)) from error
    if thousandths <= 0:
        raise located.error("expected a quantity above zero")
    return thousandths


def read_behavior(located: Located) -> tuple[Rules, Rules]:
    """(scaleUp, scaleDown) with the defaults of the API server for what is not said. Raises DocumentError."""
    fields = located.fields("scaleUp", "scaleDown")
    up = _rules(fields["scaleUp"], DEFAULT_UP) if "scaleUp" in fields else DEFAULT_UP
    down = _rules(fields["scaleDown"], DEFAULT_DOWN) if "scaleDown" in fields else DEFAULT_DOWN
    return up, down


def _rules(located: Located, default: Rules) -> Rules:
    fields = located.fields("stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance")
    window, select, policies = default.stabilization_seconds, default.select, default.policies
    if "stabilizationWindowSeconds" in fields:
        window = fields["stabilizationWindowSeconds"].whole(0, MAX_STABILIZATION_SECONDS)
    if "selectPolicy" in fields:
        select = fields["selectPolicy"].choice("Max", "Min", "Disabled")  # type: ignore[assignment]
    if "policies" in fields:
        policies = tuple(_rate_policy(one) for one in fields["policies"].items())
        if not policies:
            raise fields["policies"].error("must name at least one policy")
    return Rules(window, select, policies, _tolerance(fields))


def _tolerance(fields: Mapping[str, Located]) -> float | None:
    if "tolerance" not in fields:
        return None
    try:
        tolerance = milli(fields["tolerance"].value) / 1000
    except ValueError as error:
        raise fields["tolerance"].error(str(error)) from error
    if tolerance < 0:
        raise fields["tolerance"].error("expected a quantity that is not negative")
    return tolerance


def _rate_policy(located: Located) -> RatePolicy:
    fields = located.fields("type", "value", "periodSeconds")
    for name in ("type", "value", "periodSeconds"):
        if name not in fields:
            raise located.place.error(f"has no {name}")
    kind: Literal["Pods", "Percent"] = fields["type"].choice("Pods", "Percent")  # type: ignore[assignment]
    return RatePolicy(kind, fields["value"].whole(1, 1_000_000), fields["periodSeconds"].whole(1, MAX_PERIOD_SECONDS))
