"""Stabilisation windows and rates of `behavior`, for many plans at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from policies.scaling.backtest.plan import Plan
from policies.scaling.backtest.sliding import Row, SlidingExtreme
from policies.scaling.hpa.document import RatePolicy, Rules


class Rates:
    """The limits that `behavior` sets, from the wishes and the counts of the steps before.

    A rate compares with the count at the start of its period, which is the count after the decision of that step: what
    was added or removed since is what the controller's list of events sums up.
    """

    def __init__(self, plans: Sequence[Plan], step_seconds: int, current: Row) -> None:
        ups, downs = [plan.up for plan in plans], [plan.down for plan in plans]
        self._lowest = _Stabilizer(np.minimum, [_window(rules, step_seconds) for rules in ups], current)
        self._highest = _Stabilizer(np.maximum, [_window(rules, step_seconds) for rules in downs], current)
        self._ups = list(_groups(ups, step_seconds, up=True))
        self._downs = list(_groups(downs, step_seconds, up=False))
        longest = max(group.steps for group in (*self._ups, *self._downs))
        self._past = np.repeat(current[np.newaxis], longest + 1, axis=0)
        self._at = 0

    def apply(self, current: Row, wanted: Row, minimum: Row, maximum: Row) -> Row:
        """The counts that the rules allow towards `wanted`."""
        lowest, highest = self._lowest.push(wanted), self._highest.push(wanted)
        stable = np.minimum(np.maximum(current, lowest), highest)
        if (stable > current).any():
            ceiling = np.minimum(maximum, np.maximum(current, self._limit(self._ups, current)))
            stable = np.where(stable > current, np.minimum(stable, ceiling), stable)
        if (stable < current).any():
            floor = np.maximum(minimum, np.minimum(current, self._limit(self._downs, current)))
            stable = np.where(stable < current, np.maximum(stable, floor), stable)
        return stable

    def push(self, decided: Row) -> None:
        """Remember the counts of this step."""
        self._at = (self._at + 1) % len(self._past)
        self._past[self._at] = decided

    def _limit(self, groups: "list[_Group]", current: Row) -> Row:
        limit = current
        for group in groups:
            past = self._past[(self._at - group.steps + 1) % len(self._past)]
            limit = group.narrowed(limit, past, current)
        return limit


class _Stabilizer:
    """Lowest or highest wish within each plan's own window."""

    def __init__(self, extreme: np.ufunc, lengths: Sequence[int], current: Row) -> None:
        self._out = np.empty_like(current)
        self._nothing = np.inf if extreme is np.minimum else -np.inf
        self._groups: list[tuple[NDArray[np.intp], SlidingExtreme | None]] = []
        for length in sorted(set(lengths)):
            plans = np.flatnonzero(np.array(lengths) == length)
            sliding = SlidingExtreme(extreme, length, np.full(plans.size, self._nothing)) if length > 1 else None
            if sliding is not None:
                sliding.push(current[plans], np.empty(plans.size))
            self._groups.append((plans, sliding))

    def push(self, wanted: Row) -> Row:
        for plans, sliding in self._groups:
            part = wanted if plans.size == wanted.size else wanted[plans]
            result = part if sliding is None else sliding.push(part, np.empty(plans.size))
            if plans.size == wanted.size:
                return result
            self._out[plans] = result
        return self._out


@dataclass(frozen=True, slots=True)
class Position:
    """Where a group stands: its place in the lists, its period in steps, and the number of all plans."""

    place: int
    steps: int
    width: int


class _Group:
    """One place in the lists of policies: those plans whose policy there has the same period."""

    def __init__(
        self, plans: Sequence[int], policies: Sequence[RatePolicy], rules: Sequence[Rules], at: Position, *, up: bool
    ) -> None:
        self.steps = at.steps
        self._plans = None if len(plans) == at.width else np.array(plans, np.intp)
        self._first = at.place == 0
        self._round = np.ceil if up else np.trunc
        sign = 1.0 if up else -1.0
        self._share = np.array([1 + sign * policy.value / 100 for policy in policies])
        self._count = np.array([sign * policy.value for policy in policies])
        self._percent = np.array([policy.type == "Percent" for policy in policies])
        self._disabled = np.array([rule.select == "Disabled" for rule in rules])
        self._largest = np.array([(rule.select == "Min") != up for rule in rules])
        self._any_disabled, self._all_percent = bool(self._disabled.any()), bool(self._percent.all())
        self._any_percent, self._one_choice = bool(self._percent.any()), len({*self._largest.tolist()}) == 1

    def narrowed(self, limit: Row, past: Row, current: Row) -> Row:
        """`limit` with this place's proposals: the first one's as they are, a later one's where it wins."""
        if self._plans is None:
            return self._chosen(limit, self._proposal(past, current))
        result = limit.copy()
        chosen = self._chosen(limit[self._plans], self._proposal(past[self._plans], current[self._plans]))
        result[self._plans] = chosen
        return result

    def _proposal(self, past: Row, current: Row) -> Row:
        """The count that each policy allows, from the count at the start of its period."""
        if self._all_percent:
            proposal = self._round(past * self._share)
        elif self._any_percent:
            proposal = np.where(self._percent, self._round(past * self._share), past + self._count)
        else:
            proposal = past + self._count
        return np.where(self._disabled, current, proposal) if self._any_disabled else proposal

    def _chosen(self, before: Row, proposal: Row) -> Row:
        if self._first:
            return proposal
        if self._one_choice:
            return np.maximum(before, proposal) if self._largest[0] else np.minimum(before, proposal)
        return np.where(self._largest, np.maximum(before, proposal), np.minimum(before, proposal))


def _groups(rules: Sequence[Rules | None], step_seconds: int, *, up: bool) -> Iterator[_Group]:
    """Groups of (place in the list of policies, period) over all plans; `rules` are all of one direction."""
    members: dict[tuple[int, int], list[tuple[int, RatePolicy, Rules]]] = {}
    for plan, rule in enumerate(rules):
        if rule is None:
            raise ValueError("plans without a behavior have no rates")
        for place, policy in enumerate(rule.policies):
            steps = -(-policy.period_seconds // step_seconds)
            members.setdefault((place, steps), []).append((plan, policy, rule))
    for (place, steps), group in sorted(members.items(), key=lambda item: item[0]):
        plans, policies, theirs = zip(*group, strict=True)
        yield _Group(plans, policies, theirs, Position(place, steps, len(rules)), up=up)


def _window(rules: Rules | None, step_seconds: int) -> int:
    """Steps of a stabilisation window, the present one included: only younger wishes than the window count."""
    seconds = rules.stabilization_seconds if rules else 0
    return max(1, -(-seconds // step_seconds))
