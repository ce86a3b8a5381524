"""ScaledObject documents of `keda.sh/v1alpha1`: read and checked.

Source: https://keda.sh/docs/latest/reference/scaledobject-spec/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from policies.documents.located import Located
from policies.scaling.hpa.document import MAX_REPLICAS, Rules, read_behavior
from policies.scaling.quantity import milli

API_VERSION: Final = "keda.sh/v1alpha1"
KIND: Final = "ScaledObject"
MAX_SECONDS: Final = 7 * 86_400
DEFAULT_COOLDOWN_SECONDS: Final = 300
DEFAULT_MAXIMUM: Final = 100
THRESHOLDS: Final = ("threshold", "value", "targetValue", "queueLength", "lagThreshold", "listLength", "length")
"""Where the scalers of KEDA keep their target, in the order in which they are looked for."""
ACTIVATIONS: Final = ("activationThreshold", "activationValue", "activationQueueLength", "activationLagThreshold")

MetricType = Literal["AverageValue", "Value", "Utilization"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """One source of scaling. `target` in thousandths, None for cron and for scalers whose target is not known."""

    type: str
    name: str
    metric_type: MetricType
    target: int | None
    activation: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ScaledObject:
    """A ScaledObject with KEDA's defaults where the document says nothing."""

    name: str
    workload: str
    minimum: int
    maximum: int
    idle: int | None
    cooldown_seconds: int
    polling_seconds: int
    triggers: tuple[Trigger, ...]
    up: Rules | None
    down: Rules | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


_SPEC: Final = (
    "scaleTargetRef",
    "pollingInterval",
    "cooldownPeriod",
    "initialCooldownPeriod",
    "idleReplicaCount",
    "minReplicaCount",
    "maxReplicaCount",
    "fallback",
    "advanced",
    "triggers",
)


def read_scaled_object(located: Located) -> ScaledObject:
    """The ScaledObject of one document. Raises DocumentError with the place of the first fault."""
    top = located.fields("apiVersion", "kind", "metadata", "spec", "status")
    for name in ("apiVersion", "kind", "spec"):
        if name not in top:
            raise located.place.error(f"has no {name}")
    top["apiVersion"].choice(API_VERSION)
    top["kind"].choice(KIND)
    spec = top["spec"].fields(*_SPEC)
    for name in ("scaleTargetRef", "triggers"):
        if name not in spec:
            raise top["spec"].place.error(f"has no {name}")
    triggers = tuple(_trigger(one) for one in spec["triggers"].items())
    if not triggers:
        raise spec["triggers"].error("must name at least one trigger")
    minimum, maximum, idle = _limits(spec)
    up, down = _behavior(spec)
    reference = spec["scaleTargetRef"].fields("apiVersion", "kind", "name", "envSourceContainerName")
    if "name" not in reference:
        raise spec["scaleTargetRef"].place.error("has no name")
    metadata = top["metadata"].fields() if "metadata" in top else {}
    return ScaledObject(
        name=metadata["name"].text() if "name" in metadata else "",
        workload=reference["name"].text(),
        minimum=minimum,
        maximum=maximum,
        idle=idle,
        cooldown_seconds=_seconds(spec, "cooldownPeriod", DEFAULT_COOLDOWN_SECONDS),
        polling_seconds=_seconds(spec, "pollingInterval", 30),
        triggers=triggers,
        up=up,
        down=down,
        document=located.plain,
    )


def _seconds(spec: Mapping[str, Located], name: str, default: int) -> int:
    return spec[name].whole(0, MAX_SECONDS) if name in spec else default


def _limits(spec: Mapping[str, Located]) -> tuple[int, int, int | None]:
    maximum = spec["maxReplicaCount"].whole(1, MAX_REPLICAS) if "maxReplicaCount" in spec else DEFAULT_MAXIMUM
    minimum = spec["minReplicaCount"].whole(0, MAX_REPLICAS) if "minReplicaCount" in spec else 0
    if minimum > maximum:
        raise spec["minReplicaCount"].error(f"expected at most maxReplicaCount, which is {maximum}")
    if "idleReplicaCount" not in spec:
        return minimum, maximum, None
    idle = spec["idleReplicaCount"].whole(0, MAX_REPLICAS)
    if idle >= minimum:
        raise spec["idleReplicaCount"].error(f"expected less than minReplicaCount, which is {minimum}")
    return minimum, maximum, idle


def _behavior(spec: Mapping[str, Located]) -> tuple[Rules | None, Rules | None]:
    if "advanced" not in spec:
        return None, None
    advanced = spec["advanced"].fields(
        "restoreToOriginalReplicaCount", "horizontalPodAutoscalerConfig", "scalingModifiers"
    )
    if "horizontalPodAutoscalerConfig" not in advanced:
        return None, None
    config = advanced["horizontalPodAutoscalerConfig"].fields("name", "behavior")
    return read_behavior(config["behavior"]) if "behavior" in config else (None, None)


def _trigger(located: Located) -> Trigger:
    fields = located.fields("type", "name", "metricType", "metadata", "authenticationRef", "useCachedMetrics")
    for name in ("type", "metadata"):
        if name not in fields:
            raise located.place.error(f"has no {name}")
    kind, metadata = fields["type"].text(), fields["metadata"].fields()
    default: MetricType = "Utilization" if kind in ("cpu", "memory") else "AverageValue"
    metric_type: MetricType = default
    if "metricType" in fields:
        metric_type = fields["metricType"].choice("AverageValue", "Value", "Utilization")  # type: ignore[assignment]
    target = _amount(metadata, THRESHOLDS)
    if target is not None and target[1] <= 0:
        raise target[0].error("expected a target above zero")
    if target is None and kind in ("cpu", "memory", "prometheus"):
        raise fields["metadata"].place.error("has no target")
    activation = _amount(metadata, ACTIVATIONS)
    words = {name: str(value.plain) for name, value in metadata.items()}
    name = fields["name"].text() if "name" in fields else ""
    return Trigger(kind, name, metric_type, target and target[1], activation[1] if activation else 0, words)


def _amount(metadata: Mapping[str, Located], names: tuple[str, ...]) -> tuple[Located, int] | None:
    located = next((metadata[name] for name in names if name in metadata), None)
    if located is None:
        return None
    try:
        return located, milli(located.value)
    except ValueError as error:
        raise located.error(str(error)) from error
