"""Candidates around a policy: other limits, targets and stabilisation windows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Final

from policies.scaling.backtest.plan import Plan
from policies.scaling.hpa.document import DEFAULT_DOWN, DEFAULT_UP

MAX_CANDIDATES: Final = 2000
_TARGETS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3)
_WINDOWS: Final = (0, 60, 300, 900, 1800)
_MINIMA: Final = (0.5, 1.0, 1.5, 2.0, 3.0)


def candidates(plan: Plan, count: int) -> list[Plan]:
    """At most `count` plans, `plan` itself first: a grid of targets, minima and windows to scale down.

    A plan without a behavior keeps none where the window is its own 300 s. Raises ValueError for a silly count.
    """
    if not 1 <= count <= MAX_CANDIDATES:
        raise ValueError(f"the number of candidates is {count}; expected 1 to {MAX_CANDIDATES}")
    found = dict.fromkeys([plan, *_grid(plan)])
    return _spread(list(found), count)


def _grid(plan: Plan) -> Iterator[Plan]:
    minima = sorted({min(max(1, round(plan.minimum * factor)), plan.maximum) for factor in _MINIMA})
    for minimum, factor, window in product(minima, _TARGETS, _windows(plan)):
        target = max(1.0, round(plan.target * factor)) if plan.kind == "utilization" else plan.target * factor
        name = f"{plan.name}: min {minimum}, target {target:g}, down {window} s"
        yield replace(_with_window(plan, window), name=name, minimum=minimum, target=target)


def _windows(plan: Plan) -> Iterable[int]:
    own = plan.down.stabilization_seconds if plan.down else DEFAULT_DOWN.stabilization_seconds
    return sorted({*_WINDOWS, own})


def _with_window(plan: Plan, window: int) -> Plan:
    if plan.down is None and window == DEFAULT_DOWN.stabilization_seconds:
        return plan
    down = replace(plan.down or DEFAULT_DOWN, stabilization_seconds=window)
    return replace(plan, up=plan.up or DEFAULT_UP, down=down)


def _spread(plans: Sequence[Plan], count: int) -> list[Plan]:
    """`count` of them, evenly spread, the first one always."""
    if len(plans) <= count:
        return list(plans)
    return [plans[number * len(plans) // count] for number in range(count)]
