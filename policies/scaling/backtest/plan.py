"""A policy as the replay needs it: numbers, with everything that is a matter of wording resolved."""

from dataclasses import dataclass
from typing import Literal

from policies.scaling.hpa.document import Rules
from policies.scaling.own_document import Forecast, Scheduled

Kind = Literal["utilization", "pods", "value", "value_per_pod"]
"""How the metric relates to the load: utilization is the load a ready replica has, in percent of its request; pods the
average over ready replicas; value the load itself; value_per_pod the load divided by all replicas."""


@dataclass(frozen=True, slots=True)
class Zero:
    """Rules of scaling to nothing: at or below `activation` the load counts as none."""

    activation: float
    cooldown_seconds: int
    idle_replicas: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """One policy that can be replayed. `target`: percent of the request for utilization, else in units of the load."""

    name: str
    kind: Kind
    target: float
    minimum: int
    maximum: int
    tolerance_up: float = 0.1
    tolerance_down: float = 0.1
    up: Rules | None = None
    down: Rules | None = None
    schedule: tuple[Scheduled, ...] = ()
    forecast: Forecast | None = None
    zero: Zero | None = None
