"""What a replay cost and what it missed."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policies.scaling.backtest.load import Load
from policies.scaling.backtest.replay import Replayed
from policies.scaling.history import count_flaps


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one policy over one load."""

    slo_violation_minutes: float
    """Time in which the load was above what the ready replicas carry."""
    unserved_ratio: float
    """Share of all load that was above it."""
    unknown_minutes: float
    replica_hours: float
    cost: Decimal
    changes: int
    flaps: int
    cold_starts: int
    """Replicas that were started."""
    minutes_at_maximum: float
    lowest: int
    highest: int
    mean: float

    def as_dict(self) -> dict[str, Any]:
        return {
            "slo_violation_minutes": round(self.slo_violation_minutes, 6),
            "unserved_ratio": round(self.unserved_ratio, 9),
            "unknown_minutes": round(self.unknown_minutes, 6),
            "replica_hours": round(self.replica_hours, 6),
            "cost": str(self.cost),
            "changes": self.changes,
            "flaps": self.flaps,
            "cold_starts": self.cold_starts,
            "minutes_at_maximum": round(self.minutes_at_maximum, 6),
            "replicas": {"lowest": self.lowest, "highest": self.highest, "mean": round(self.mean, 6)},
        }


def scores(
    load: Load, replayed: Replayed, carried: NDArray[np.float64], maximum: NDArray[np.int64], price: Decimal
) -> list[Score]:
    """One score a plan. `carried[replicas]` is the load within the objective, `price` that of a replica hour."""
    replicas, ready = np.ascontiguousarray(replayed.replicas.T), np.ascontiguousarray(replayed.ready.T)
    return [_score(load, replicas[n], ready[n], carried, int(maximum[n]), price) for n in range(len(replicas))]


def _score(
    load: Load,
    replicas: NDArray[np.int16],
    ready: NDArray[np.int16],
    carried: NDArray[np.float64],
    maximum: int,
    price: Decimal,
) -> Score:
    minutes = load.step_seconds / 60
    missed = carried[ready] < load.values
    steps = np.diff(replicas)
    total = float(np.nansum(load.values))
    excess = float((load.values[missed] - carried[ready[missed]]).sum())
    replica_steps = int(replicas.sum(dtype=np.int64))
    return Score(
        slo_violation_minutes=float(missed.sum() * minutes),
        unserved_ratio=excess / total if total else 0.0,
        unknown_minutes=load.unknown_minutes,
        replica_hours=replica_steps * load.step_seconds / 3600,
        cost=_cost(replica_steps, load.step_seconds, price),
        changes=int(np.count_nonzero(steps)),
        flaps=_flaps(load, replicas),
        cold_starts=int(steps[steps > 0].sum(dtype=np.int64)),
        minutes_at_maximum=float((replicas >= maximum).sum() * minutes),
        lowest=int(replicas.min()),
        highest=int(replicas.max()),
        mean=float(replicas.mean()),
    )


def _flaps(load: Load, replicas: NDArray[np.int16]) -> int:
    """Of the steps with a change and those before them: what lies between is the same."""
    kept = np.flatnonzero(np.diff(replicas, prepend=replicas[0]))
    kept = np.unique(np.concatenate([np.maximum(kept - 1, 0), kept]))
    return count_flaps((kept * load.step_seconds * 1000).astype(np.int64), replicas[kept].astype(np.float64))


def _cost(replica_steps: int, step_seconds: int, price: Decimal) -> Decimal:
    """Exact product, shown to a hundredth of a cent."""
    amount = Decimal(replica_steps) * step_seconds * price / 3600
    return amount.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)


def front(results: list[Score]) -> list[int]:
    """Numbers of those that no other beats in both violations and cost, by rising cost; of equals the first."""
    order = sorted(range(len(results)), key=lambda n: (results[n].cost, results[n].slo_violation_minutes, n))
    chosen: list[int] = []
    for number in order:
        if not chosen or results[number].slo_violation_minutes < results[chosen[-1]].slo_violation_minutes:
            chosen.append(number)
    return chosen
