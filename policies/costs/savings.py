"""What could be saved, never more than is spent: on a service, or on everything together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from policies.costs.exact import EXACT, ZERO, product

Kind = Literal["idle", "replicas"]

IDLE_CORES: Final = 0.01
"""Mean CPU below which a service does nothing but be there."""


@dataclass(frozen=True, slots=True)
class Saving:
    """`amount` over the days that were looked at, in the currency of the bill."""

    kind: Kind
    service: str
    amount: Decimal
    reason: str


def idle_reason(cpu_hours: Decimal | None, requests: Decimal | None, days: int) -> str:
    """Why a service is idle; '' if it is not, or if its CPU was not measured: not known is not idle."""
    if cpu_hours is None or float(cpu_hours) / (24 * days) >= IDLE_CORES or requests:
        return ""
    served = "no request" if requests is not None else "requests are not measured"
    return f"{cpu_hours:.2f} CPU hours in {days} days, {served}"


def replicas_saving(service: str, compute_cost: Decimal, replicas: int, recommended: int) -> Saving | None:
    """What the compute of the replicas beyond the recommended ones costs; None if there are none."""
    if not 0 <= recommended < replicas or compute_cost <= 0:
        return None
    share = EXACT.divide(Decimal(10**18 * (replicas - recommended) // replicas), Decimal(10**18))
    reason = f"{replicas} replicas run, {recommended} are enough"
    return Saving("replicas", service, product(compute_cost, share), reason)


def within_the_bill(found: Iterable[Saving], costs: Mapping[str, Decimal]) -> list[Saving]:
    """The largest first, each cut to what is left of its service's cost and of the sum of `costs`.

    A service with credits beyond its charges has nothing to save; neither has a bill that is a credit as a whole.
    """
    left = dict(costs)
    whole = ZERO
    for cost in costs.values():
        whole = EXACT.add(whole, cost)
    kept = []
    for saving in sorted(found, key=lambda each: (-each.amount, each.service, each.kind)):
        amount = min(saving.amount, left.get(saving.service, ZERO), whole)
        if amount > 0:
            kept.append(replace(saving, amount=amount))
            left[saving.service] = EXACT.subtract(left[saving.service], amount)
            whole = EXACT.subtract(whole, amount)
    return kept
