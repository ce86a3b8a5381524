"""A file of situations in, the replica count that the autoscaler would choose in each out.

The form is that of transcribed cases of the Kubernetes project: an object with `cases` (and `tolerance`), or the list
alone; each case has a `name`, a `kind`, `current_replicas`, what was measured and what is wanted. Fields that start
with `expected_` are not read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from policies.scaling.hpa.pods import Pod
from policies.scaling.hpa.replicas import (
    DEFAULT_TOLERANCE,
    NoDecision,
    Tolerance,
    by_average,
    by_utilization,
    by_value,
    by_value_per_pod,
)

MAX_PODS: Final = 100_000


class BadCase(ValueError):
    """A case that cannot be read; names the field, its value and what was expected."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided in one case: a count, or the reason why there is none."""

    name: str
    replicas: int | None
    error: str | None

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "replicas": self.replicas, "error": self.error}


def decide_all(document: object) -> list[Decision]:
    """One decision a case, in their order. Raises BadCase for a document that is not of this form."""
    if isinstance(document, Mapping):
        cases, tolerance = document.get("cases"), document.get("tolerance", DEFAULT_TOLERANCE)
    else:
        cases, tolerance = document, DEFAULT_TOLERANCE
    if not isinstance(cases, list):
        raise BadCase("expected a list of cases, or an object whose `cases` is one")
    return [decide(_case(case, number), _tolerance(tolerance)) for number, case in enumerate(cases)]


def decide(case: Mapping[str, Any], default_tolerance: Tolerance) -> Decision:
    """The decision of one case; what cannot be read or decided is its error."""
    name = str(case.get("name", ""))
    try:
        tolerance = _tolerance(case["tolerance"]) if case.get("tolerance") is not None else default_tolerance
        return Decision(name, _kind(case)(case, tolerance), None)
    except (NoDecision, BadCase) as error:
        return Decision(name, None, str(error))


def _kind(case: Mapping[str, Any]) -> Callable[[Mapping[str, Any], Tolerance], int]:
    kind = case.get("kind")
    if isinstance(kind, str) and kind.startswith("resource_"):
        return _resource
    if kind not in _KINDS:
        known = ", ".join(sorted(_KINDS))
        raise BadCase(f"kind is {kind!r}; expected resource_cpu, resource_memory or one of {known}")
    return _KINDS[kind]


def _resource(case: Mapping[str, Any], tolerance: Tolerance) -> int:
    resource = str(case["kind"]).removeprefix("resource_")
    current, pods = _whole(case, "current_replicas"), _pods(case, resource)
    usage = _by_pod(case, "levels_millicores" if "levels_millicores" in case else "levels_milli")
    if case.get("target_utilization_percent") is None:
        return by_average(current, pods, usage, _positive(case, "target_milli"), resource=resource, tolerance=tolerance)
    percent = _positive(case, "target_utilization_percent")
    return by_utilization(current, pods, usage, percent, resource=resource, tolerance=tolerance)


def _pods_metric(case: Mapping[str, Any], tolerance: Tolerance) -> int:
    values, target = _by_pod(case, "levels_milli"), _positive(case, "target_milli")
    return by_average(_whole(case, "current_replicas"), _pods(case, ""), values, target, tolerance=tolerance)


def _value(case: Mapping[str, Any], tolerance: Tolerance) -> int:
    current, target = _whole(case, "current_replicas"), _positive(case, "target_milli")
    return by_value(current, _pods(case, ""), _total(case), target, tolerance=tolerance)


def _value_per_pod(case: Mapping[str, Any], tolerance: Tolerance) -> int:
    target = _positive(case, "target_milli")
    return by_value_per_pod(_whole(case, "current_replicas"), _total(case), target, tolerance=tolerance)


_KINDS: Final = {
    "pods": _pods_metric,
    "object": _value,
    "external": _value,
    "object_per_pod": _value_per_pod,
    "external_per_pod": _value_per_pod,
}


def _pods(case: Mapping[str, Any], resource: str) -> list[Pod]:
    """As many pods as there are replicas, or more where phases or deletions name more."""
    phases, deleted = _list(case, "pod_phase"), _list(case, "pod_deleted")
    count = max(_whole(case, "current_replicas"), len(phases), len(deleted))
    if count > MAX_PODS:
        raise BadCase(f"{count} pods are more than the {MAX_PODS} that are looked at")
    ready, initializing = _list(case, "pod_ready"), _list(case, "pod_initializing")
    requests = _list(case, "requests_cores")
    return [
        Pod(
            name=_pod_name(number),
            ready=_at(ready, number, True) is True,
            initializing=_at(initializing, number, False) is True,
            phase=str(_at(phases, number, "Running")),
            deleted=_at(deleted, number, False) is True,
            requests={resource: _thousandths(requests[number])} if number < len(requests) else None,
        )
        for number in range(count)
    ]


def _by_pod(case: Mapping[str, Any], field: str) -> dict[str, int]:
    names = _list(case, "pod_names")
    return {str(_at(names, n, _pod_name(n))): _number(level, field) for n, level in enumerate(_list(case, field))}


def _total(case: Mapping[str, Any]) -> int:
    levels = _list(case, "levels_milli")
    if not levels:
        raise NoDecision("unable to get metric: no metrics returned from the metrics API")
    return sum(_number(level, "levels_milli") for level in levels)


def _pod_name(number: int) -> str:
    return f"pod-{number}"


def _at(values: Sequence[Any], number: int, default: Any) -> Any:
    return default if number >= len(values) or values[number] is None else values[number]


def _case(case: object, number: int) -> Mapping[str, Any]:
    if not isinstance(case, Mapping):
        raise BadCase(f"case {number} is {case!r}; expected an object")
    return case


def _list(case: Mapping[str, Any], field: str) -> list[Any]:
    value = case.get(field)
    if value is not None and not isinstance(value, list):
        raise BadCase(f"{field} is {value!r}; expected a list")
    return value or []


def _whole(case: Mapping[str, Any], field: str) -> int:
    value = _number(case.get(field), field)
    if value < 0:
        raise BadCase(f"{field} is {value}; expected a number that is not negative")
    return value


def _positive(case: Mapping[str, Any], field: str) -> int:
    value = _number(case.get(field), field)
    if value <= 0:
        raise BadCase(f"{field} is {value}; expected a number above zero")
    return value


def _number(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise BadCase(f"{field} holds {value!r}; expected whole numbers")
    return int(value)


def _thousandths(cores: object) -> int:
    try:
        return int((Decimal(str(cores)) * 1000).to_integral_value(rounding="ROUND_CEILING"))
    except InvalidOperation as error:
        raise BadCase(f"requests_cores holds {cores!r}; expected numbers of cores") from error


def _tolerance(value: object) -> Tolerance:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise BadCase(f"tolerance is {value!r}; expected a number from 0 to below 1")
    return Tolerance(value, value)
