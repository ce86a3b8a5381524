"""The controller's loop over a recorded load, for many plans of one kind at once.

At each step the autoscaler sees the load and the replicas that are ready, decides, and the decision takes effect at
once: replicas that it adds are ready after the start-up delay, replicas that it removes are the youngest. The result
equals what policies.scaling.hpa decides one plan and one step at a time; a test holds both together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from policies.scaling.backtest.plan import Plan
from policies.scaling.backtest.rates import Rates
from policies.scaling.backtest.sliding import Row, SlidingExtreme
from policies.scaling.hpa.normalization import DEFAULT_DOWNSCALE_STABILIZATION_SECONDS


@dataclass(frozen=True, slots=True)
class Replayed:
    """Replica counts after each step's decision; `ready` at the step, before it. int16[steps, plans]."""

    replicas: NDArray[np.int16]
    ready: NDArray[np.int16]


def replay(
    plans: Sequence[Plan],
    load: NDArray[np.float64],
    floors: NDArray[np.int16] | None,
    *,
    step_seconds: int,
    start_up_seconds: int,
    request: float,
    initial: NDArray[np.float64],
) -> Replayed:
    """Replay `load[steps]` (NaN: not known, so nothing is changed) for plans of the same kind and style.

    `floors[steps, plans]` are least counts by schedule or forecast. `request` is what 100 % of a replica is, in units
    of the load. `initial[plans]` are the counts before the first step,
    brought within the limits. O(steps) numpy operations on rows of plans.
    """
    loop = _Loop(plans, step_seconds, start_up_seconds, request, initial)
    replicas = np.empty((load.size, len(plans)), np.int16)
    ready = np.empty_like(replicas)
    for step in range(load.size):
        ready[step] = loop.ready
        replicas[step] = loop.step(float(load[step]), None if floors is None else floors[step])
    return Replayed(replicas, ready)


class _Loop:
    """State of all plans between two steps: one row of float64 a quantity, whole numbers."""

    def __init__(
        self, plans: Sequence[Plan], step_seconds: int, start_up_seconds: int, request: float, initial: Row
    ) -> None:
        self.kind = plans[0].kind
        self.with_behavior = plans[0].up is not None
        if any(plan.kind != self.kind or (plan.up is not None) != self.with_behavior for plan in plans):
            raise ValueError("plans of one replay must be of one kind, all with a behavior or all without")
        self.target = np.array([plan.target for plan in plans], np.float64)
        self.minimum = np.array([plan.minimum for plan in plans], np.float64)
        self.maximum = np.array([plan.maximum for plan in plans], np.float64)
        self.current = np.clip(initial, self.minimum, self.maximum).astype(np.float64)
        self.low = np.array([1.0 - plan.tolerance_down for plan in plans])
        self.high = np.array([1.0 + plan.tolerance_up for plan in plans])
        self.request_milli = request * 1000
        self._target_milli = np.round(self.target * 1000)
        self.starting = SlidingExtreme(np.minimum, start_up_seconds // step_seconds + 1, self.current)
        self.ready = self.starting.push(self.current, np.empty_like(self.current))
        self.rates = Rates(plans, step_seconds, self.current) if self.with_behavior else None
        window = DEFAULT_DOWNSCALE_STABILIZATION_SECONDS // step_seconds + 1
        self.highest = SlidingExtreme(np.maximum, window, np.full_like(self.current, -np.inf))
        self.highest.push(self.current, np.empty_like(self.current))
        self._zeros = [plan.zero for plan in plans]
        self._to_zero = any(zero is not None for zero in self._zeros)
        self._activation = np.array([zero.activation if zero else -np.inf for zero in self._zeros])
        self._idle_steps = np.array([zero.cooldown_seconds // step_seconds if zero else 0 for zero in self._zeros])
        self._idle = np.array([zero.idle_replicas if zero else 0 for zero in self._zeros], np.float64)
        self._inactive_for = np.zeros(len(plans))
        self._wanted = np.empty_like(self.current)
        self._scratch = np.empty_like(self.current)

    def step(self, load: float, floor: NDArray[np.int16] | None) -> Row:
        """Decide for one load; the new counts."""
        known = not math.isnan(load)
        wanted = self._metric(load) if known else self.current.copy()
        if floor is not None:
            np.maximum(wanted, floor, out=wanted)
        decided = (
            self.rates.apply(self.current, wanted, self.minimum, self.maximum) if self.rates else self._plain(wanted)
        )
        if self._to_zero and known:
            decided = self._zero(load, decided)
        if self.rates:
            self.rates.push(decided)
        self.current = decided
        self.ready = self.starting.push(decided, self.ready)
        return decided

    # ---- what the metric asks for --------------------------------------------------------------------------

    def _metric(self, load: float) -> Row:
        if self.kind == "value_per_pod":
            return self._per_pod(load)
        if self.kind == "value":
            return self._value(load)
        return self._average(load)

    def _per_pod(self, load: float) -> Row:
        ratio = np.divide(load, self.target * np.maximum(self.current, 1e-9), out=self._scratch)
        np.ceil(np.divide(load, self.target, out=self._wanted), out=self._wanted)
        return self._unless_near(ratio)

    def _value(self, load: float) -> Row:
        ratio = np.divide(load, self.target, out=self._scratch)
        counted = np.where(self.current == 0, 1.0, self.ready)
        np.ceil(np.multiply(ratio, counted, out=self._wanted), out=self._wanted)
        ratio[self.current == 0] = np.inf
        return self._unless_near(ratio)

    def _unless_near(self, ratio: Row) -> Row:
        near = (ratio >= self.low) & (ratio <= self.high)
        np.copyto(self._wanted, self.current, where=near)
        return self._wanted

    def _average(self, load: float) -> Row:
        """Averages over the ready; those that start count as idle where the load asks for more, else not at all."""
        first = self._ratio(load, self.ready)
        counted = self.ready
        if (self.ready != self.current).any():
            growing = (first > 1.0) & (self.ready < self.current)
            counted = np.where(growing, self.current, self.ready)
            ratio = self._ratio(load, counted)
            np.ceil(np.multiply(ratio, counted, out=self._wanted), out=self._wanted)
            turned = growing & ((ratio < 1.0) | (self._wanted < self.current))
            np.copyto(self._wanted, self.current, where=turned | (self.ready == 0))
            return self._unless_near(ratio)
        np.ceil(np.multiply(first, counted, out=self._wanted), out=self._wanted)
        np.copyto(self._wanted, self.current, where=self.ready == 0)
        return self._unless_near(first)

    def _ratio(self, load: float, replicas: Row) -> Row:
        """Of the measured average to its target, with the controller's integer divisions."""
        some = np.maximum(replicas, 1.0)
        total = math.floor(load * 1000 + 1e-6)
        if self.kind == "utilization":
            percent: Row = np.floor(total * 100 / (some * self.request_milli))
            return percent / self.target
        average: Row = np.floor(total / some)
        return average / self._target_milli

    # ---- what is done about it -----------------------------------------------------------------------------

    def _plain(self, wanted: Row) -> Row:
        stable = self.highest.push(wanted, np.empty_like(wanted))
        ceiling = np.minimum(self.maximum, np.maximum(2 * self.current, 4.0))
        return np.maximum(np.minimum(stable, ceiling, out=stable), self.minimum, out=stable)

    def _zero(self, load: float, decided: Row) -> Row:
        active = load > self._activation
        self._inactive_for = np.where(active, 0, self._inactive_for + 1)
        asleep = self._inactive_for > self._idle_steps
        awake = np.where(active & (self.current <= self._idle), np.maximum(self.minimum, 1.0), decided)
        has_rule = np.isfinite(self._activation)
        return np.where(has_rule & asleep, self._idle, np.where(has_rule, awake, decided))
