"""A back-test from plans and a load to scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from policies.scaling.backtest.capacity import Capacity, capacity_table
from policies.scaling.backtest.floors import floors
from policies.scaling.backtest.load import Load
from policies.scaling.backtest.plan import Plan
from policies.scaling.backtest.replay import Replayed, replay
from policies.scaling.backtest.score import Score, scores


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for all plans. `request` is what 100 % of a replica is, in units of the load."""

    capacity: Capacity
    request: float
    start_up_seconds: int
    price: Decimal
    initial: int | None = None
    """Replicas before the first step; None: what each plan asks for there."""


@dataclass(frozen=True, slots=True)
class Result:
    """One plan's figures and counts."""

    plan: Plan
    score: Score
    replicas: NDArray[np.int16]
    ready: NDArray[np.int16]


def backtest(plans: Sequence[Plan], load: Load, setting: Setting) -> list[Result]:
    """Results in the order of `plans`. Plans of one kind and style are replayed together."""
    results: dict[int, Result] = {}
    for numbers in _together(plans):
        group = [plans[number] for number in numbers]
        replayed = _replay(group, load, setting)
        carried = capacity_table(setting.capacity, max(plan.maximum for plan in group))
        maximum = np.array([plan.maximum for plan in group])
        for column, score in enumerate(scores(load, replayed, carried, maximum, setting.price)):
            counts = replayed.replicas[:, column], replayed.ready[:, column]
            results[numbers[column]] = Result(group[column], score, *counts)
    return [results[number] for number in range(len(plans))]


def _together(plans: Sequence[Plan]) -> list[list[int]]:
    groups: dict[tuple[str, bool], list[int]] = {}
    for number, plan in enumerate(plans):
        groups.setdefault((plan.kind, plan.up is not None), []).append(number)
    return list(groups.values())


def _replay(plans: Sequence[Plan], load: Load, setting: Setting) -> Replayed:
    initial = [_initial(plan, load, setting) for plan in plans]
    return replay(
        plans,
        load.values,
        floors(plans, load),
        step_seconds=load.step_seconds,
        start_up_seconds=setting.start_up_seconds,
        request=setting.request,
        initial=np.array(initial, np.float64),
    )


def _initial(plan: Plan, load: Load, setting: Setting) -> int:
    if setting.initial is not None:
        return setting.initial
    known = load.values[~np.isnan(load.values)]
    if not known.size:
        return plan.minimum
    a_replica = plan.target * setting.request / 100 if plan.kind == "utilization" else plan.target
    return min(max(plan.minimum, int(np.ceil(known[0] / a_replica))), plan.maximum)
