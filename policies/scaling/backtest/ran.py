"""What really ran, scored like a policy; and how well a replay retells it."""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from policies.scaling.backtest.capacity import Capacity, capacity_table
from policies.scaling.backtest.load import Load
from policies.scaling.backtest.replay import Replayed
from policies.scaling.backtest.score import Score, scores

Floats = NDArray[np.float64]


def score_of_recorded(
    load: Load, desired: Floats, ready: Floats, capacity: Capacity, price: Decimal, maximum: int | None
) -> Score:
    """Score of the recorded counts, float64[steps]. An unknown count is the one before it; the first known goes back.

    Raises ValueError where no count is known.
    """
    counts, up = _filled(desired), _filled(ready)
    carried = capacity_table(capacity, int(max(counts.max(), up.max())))
    replayed = Replayed(counts[:, np.newaxis], up[:, np.newaxis])
    most = np.array([maximum if maximum is not None else np.iinfo(np.int16).max])
    return scores(load, replayed, carried, most, price)[0]


def _filled(counts: Floats) -> NDArray[np.int16]:
    known = np.flatnonzero(np.isfinite(counts))
    if not known.size:
        raise ValueError("no replica counts are recorded")
    before = np.searchsorted(known, np.arange(counts.size), side="right") - 1
    return counts[known[np.maximum(before, 0)]].round().astype(np.int16)


def agreement_ratio(replayed: NDArray[np.int16], desired: Floats) -> float | None:
    """Share of the steps with a recorded count in which the replay had the same; None without any."""
    known = np.isfinite(desired)
    if not known.any():
        return None
    return float((replayed[known] == desired[known].round()).mean())
