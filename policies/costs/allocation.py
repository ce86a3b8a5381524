"""Shared cost given to those who cause it, by rules that are documents; whatever the rules, nothing is lost or made.

apiVersion: belvedere/v1
kind: AllocationPolicy
metadata: {name: shared}
spec:
  rules:                             # the first rule that matches a charge decides
    - name: support
      match: {chargeCategory: [Purchase], tags: {cost-center: support}}
      to: {service: platform}
    - name: cluster
      match: {service: [""], providerServiceName: [Amazon EKS]}
      split: {method: proportional, by: cpu}
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from policies.costs.exact import EXACT, ZERO, exact_sum, shares
from policies.documents.located import DocumentError, Located, read_documents

API_VERSION: Final = "belvedere/v1"
KIND: Final = "AllocationPolicy"
MAX_RULES: Final = 500
MATCHED: Final = {
    "service": "service",
    "environment": "environment",
    "chargeCategory": "charge_category",
    "providerName": "provider_name",
    "serviceCategory": "service_category",
    "providerServiceName": "service_name",
    "regionId": "region_id",
    "subAccountId": "sub_account_id",
    "subAccountName": "sub_account_name",
}
"""Field of a document -> field of a Cost."""
MEASURES: Final = ("cost", "requests", "cpu", "memory", "bytes", "query")

Method = Literal["even", "fixed", "proportional"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Sum of charges that agree in all of these words; '' where a bill says nothing."""

    service: str
    environment: str
    currency: str
    billed_cost: Decimal
    effective_cost: Decimal
    charges: int = 0
    charge_category: str = ""
    provider_name: str = ""
    service_category: str = ""
    service_name: str = ""
    region_id: str = ""
    sub_account_id: str = ""
    sub_account_name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    rule: str = ""
    """Which rule gave it to its service; '' for the bill's own words."""
    source: int = -1
    """Number that the caller gave; the parts of a cost keep it."""


@dataclass(frozen=True, slots=True)
class Split:
    """How a cost is shared; `weights` of fixed splits, `measure` and `query` of proportional ones."""

    method: Method
    services: tuple[str, ...] = ()
    weights: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    measure: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: which costs it takes and who gets them."""

    name: str
    match: Mapping[str, frozenset[str]] = field(hash=False)
    tags: Mapping[str, frozenset[str]] = field(hash=False)
    service: str = ""
    environment: str | None = None
    split: Split | None = None

    def takes(self, cost: Cost) -> bool:
        """Whether every condition holds; values are compared whole."""
        return all(getattr(cost, name) in values for name, values in self.match.items()) and all(
            cost.tags.get(name, "") in values for name, values in self.tags.items()
        )


@dataclass(frozen=True, slots=True)
class Allocation:
    """Costs with their owners, and what a rule could not do."""

    costs: list[Cost]
    notes: tuple[str, ...]


Weights = Mapping[str, Mapping[str, Decimal]]
"""Rule name -> service -> measured use over the period; of proportional rules that are not by cost."""


def allocate(costs: Sequence[Cost], rules: Sequence[Rule], weights: Weights) -> Allocation:
    """Give each cost to its owner. For every currency the sums of both amounts are those of `costs`, exactly.

    A split whose weights are all zero or unknown leaves the cost with the service that the bill names.
    """
    taken = [(cost, next((rule for rule in rules if rule.takes(cost)), None)) for cost in costs]
    direct = [cost for cost, rule in taken if rule is None]
    owned: list[Cost] = list(direct)
    notes: dict[str, None] = {}
    for cost, rule in taken:
        if rule is None:
            continue
        parts = _given(cost, rule, direct, weights)
        if parts is None:
            notes[f"rule {rule.name!r} has nothing to divide by, so its costs stay where the bill has them"] = None
        owned += [cost] if parts is None else parts
    return Allocation(owned, tuple(notes))


def _given(cost: Cost, rule: Rule, direct: Sequence[Cost], weights: Weights) -> list[Cost] | None:
    if rule.split is None:
        environment = cost.environment if rule.environment is None else rule.environment
        return [replace(cost, service=rule.service, environment=environment, rule=rule.name)]
    chosen = _weights(cost, rule, rule.split, direct, weights)
    services = [service for service, weight in chosen.items() if weight > 0]
    if not services:
        return None
    whole = _whole_numbers([chosen[service] for service in services])
    parts = zip(services, shares(cost.billed_cost, whole), shares(cost.effective_cost, whole), strict=True)
    return [
        replace(
            cost,
            service=service,
            billed_cost=billed,
            effective_cost=effective,
            charges=cost.charges if number == 0 else 0,
            rule=rule.name,
        )
        for number, (service, billed, effective) in enumerate(parts)
    ]


def _weights(cost: Cost, rule: Rule, split: Split, direct: Sequence[Cost], weights: Weights) -> Mapping[str, Decimal]:
    if split.method == "fixed":
        return split.weights
    if split.method == "even":
        names = split.services or sorted({one.service for one in direct if one.service})
        return dict.fromkeys(names, Decimal(1))
    measured = _by_cost(cost.currency, direct) if split.measure == "cost" else weights.get(rule.name, {})
    if split.services:
        return {service: measured.get(service, ZERO) for service in split.services}
    return {service: weight for service, weight in sorted(measured.items()) if service}


def _by_cost(currency: str, direct: Iterable[Cost]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for cost in direct:
        if cost.service and cost.currency == currency:
            sums[cost.service] = EXACT.add(sums.get(cost.service, ZERO), cost.billed_cost)
    return sums


def _whole_numbers(weights: Sequence[Decimal]) -> list[int]:
    """The same proportions in whole numbers."""
    places = max(max(0, -int(weight.as_tuple().exponent)) for weight in weights)
    return [int(weight.scaleb(places, context=EXACT)) for weight in weights]


def totals(costs: Iterable[Cost]) -> dict[str, tuple[Decimal, Decimal]]:
    """(billed, effective) by currency, exact."""
    kept = list(costs)
    return {
        currency: (
            exact_sum(cost.billed_cost for cost in kept if cost.currency == currency),
            exact_sum(cost.effective_cost for cost in kept if cost.currency == currency),
        )
        for currency in sorted({cost.currency for cost in kept})
    }


# ---- documents ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AllocationPolicy:
    """The rules of one document."""

    name: str
    rules: tuple[Rule, ...]
    document: Mapping[str, Any] = field(repr=False, compare=False, hash=False)


def read_allocation_policy(text: str) -> AllocationPolicy:
    """The policy in a YAML text. Raises DocumentError with the place of the first fault."""
    documents = read_documents(text)
    if len(documents) != 1:
        raise DocumentError(f"expected one document, found {len(documents)}")
    top = documents[0].fields("apiVersion", "kind", "metadata", "spec")
    for name in ("apiVersion", "kind", "spec"):
        if name not in top:
            raise documents[0].place.error(f"has no {name}")
    top["apiVersion"].choice(API_VERSION)
    top["kind"].choice(KIND)
    spec = top["spec"].fields("rules")
    rules = spec["rules"].items() if "rules" in spec else []
    if len(rules) > MAX_RULES:
        raise spec["rules"].error(f"has {len(rules)} rules; at most {MAX_RULES} are read")
    metadata = top["metadata"].fields() if "metadata" in top else {}
    name = metadata["name"].text() if "name" in metadata else ""
    return AllocationPolicy(name, _named_once([_rule(rule) for rule in rules], rules), documents[0].plain)


def _named_once(rules: list[Rule], located: list[Located]) -> tuple[Rule, ...]:
    seen: set[str] = set()
    for rule, place in zip(rules, located, strict=True):
        if rule.name in seen:
            raise place.place.error(f"has the name {rule.name!r} of an earlier rule")
        seen.add(rule.name)
    return tuple(rules)


def _rule(located: Located) -> Rule:
    fields = located.fields("name", "match", "to", "split")
    for name in ("name", "match"):
        if name not in fields:
            raise located.place.error(f"has no {name}")
    if ("to" in fields) == ("split" in fields):
        raise located.place.error("must have either `to` or `split`")
    matched = fields["match"].fields(*MATCHED, "tags")
    match = {MATCHED[name]: _texts(value) for name, value in matched.items() if name != "tags"}
    tags = {name: _texts(value) for name, value in matched["tags"].fields().items()} if "tags" in matched else {}
    if not match and not tags:
        raise fields["match"].place.error("must name at least one condition")
    rule = Rule(fields["name"].text(), match, tags)
    if "split" in fields:
        return replace(rule, split=_split(fields["split"]))
    to = fields["to"].fields("service", "environment")
    if "service" not in to:
        raise fields["to"].place.error("has no service")
    return replace(rule, service=to["service"].text(), environment=_optional_text(to, "environment"))


def _optional_text(fields: Mapping[str, Located], name: str) -> str | None:
    return fields[name].text() if name in fields else None


def _texts(located: Located) -> frozenset[str]:
    values = located.items() if isinstance(located.value, list) else [located]
    for value in values:
        if not isinstance(value.value, str):
            raise value.error("expected a text; quote numbers")
    return frozenset(value.value for value in values)


def _split(located: Located) -> Split:
    fields = located.fields("method", "services", "weights", "by", "query")
    if "method" not in fields:
        raise located.place.error("has no method")
    method: Method = fields["method"].choice("even", "fixed", "proportional")  # type: ignore[assignment]
    services = tuple(one.text() for one in fields["services"].items()) if "services" in fields else ()
    if method == "fixed":
        if "weights" not in fields:
            raise located.place.error("has no weights, which a fixed split needs")
        return Split(method, weights=_fixed(fields["weights"]))
    if method == "even":
        return Split(method, services)
    if "by" not in fields:
        raise located.place.error(f"has no by; expected one of {', '.join(MEASURES)}")
    measure = fields["by"].choice(*MEASURES)
    if (measure == "query") != ("query" in fields):
        raise located.place.error("must have a query if, and only if, it is by query")
    return Split(method, services, measure=measure, query=fields["query"].text() if "query" in fields else "")


def _fixed(located: Located) -> dict[str, Decimal]:
    weights = {name: _weight(value) for name, value in located.fields().items()}
    if not any(weights.values()):
        raise located.place.error("must hold at least one weight above zero")
    return weights


def _weight(located: Located) -> Decimal:
    try:
        weight = Decimal(str(located.value))
    except InvalidOperation as error:
        raise located.error("expected a weight such as 0.7") from error
    if not weight.is_finite() or weight < 0 or abs(weight.adjusted()) > 15:
        raise located.error("expected a weight that is not negative, at most 10^15")
    return weight
