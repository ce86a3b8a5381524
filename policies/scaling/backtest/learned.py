"""What one replica carries, learned from recorded minutes in which the objective held."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

QUANTILE: Final = 0.99
"""Of the load a replica had while the objective held; the greatest of all may be a moment of luck."""
LEAST_MINUTES: Final = 60
LEAST_MISSED: Final = 5


@dataclass(frozen=True, slots=True)
class Learned:
    """Load that a ready replica carried within the objective, and what that knowledge rests on."""

    per_replica: float
    held_minutes: int
    missed_minutes: int

    @property
    def is_lower_bound(self) -> bool:
        """Whether the limit was never reached, so that a replica may carry more than was seen."""
        return self.missed_minutes < LEAST_MISSED

    @property
    def sentence(self) -> str:
        known = (
            f"a replica carries a load of {self.per_replica:.4g}, learned from {self.held_minutes:,} minutes "
            f"in which the objective held"
        )
        if self.is_lower_bound:
            return f"{known}; it was hardly ever missed, so a replica may carry more"
        return f"{known} and {self.missed_minutes:,} in which it was missed"


def learn_capacity(load: Floats, ready: Floats, latency_seconds: Floats, objective_seconds: float) -> Learned:
    """Learn from one value a minute each, NaN where unknown. Raises ValueError where the minutes are too few."""
    if not objective_seconds > 0:
        raise ValueError(f"the latency objective is {objective_seconds:g} s; expected more than zero")
    known = np.isfinite(load) & np.isfinite(ready) & np.isfinite(latency_seconds) & (ready > 0) & (load > 0)
    each = load[known] / ready[known]
    held = latency_seconds[known] <= objective_seconds
    if int(held.sum()) < LEAST_MINUTES:
        raise ValueError(
            f"the capacity cannot be learned: load, replicas and latency are known and the objective of "
            f"{objective_seconds:g} s held in {int(held.sum())} minutes; {LEAST_MINUTES} are needed. Give the capacity"
        )
    carried = float(np.quantile(each[held], QUANTILE))
    return Learned(carried, int(held.sum()), int((~held).sum()))
