"""Days that cost more or less than their past says, and what most likely made them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from policies.costs.exact import EXACT, ZERO, unit_price

Floats = NDArray[np.float64]

PAST_DAYS: Final = 28
LEAST_DAYS: Final = 21
"""Three of each weekday."""
SCORE: Final = 6.0
"""Robust standard deviations from which a day is told."""
LEAST_RATIO: Final = 0.2
"""Share of the usual spend below which no difference is told."""
_MAD_TO_SIGMA: Final = 1.4826


@dataclass(frozen=True, slots=True)
class OddDay:
    """`index` into the history; amounts are floats, for judging only."""

    index: int
    amount: float
    usual: float
    score: float
    """Robust standard deviations; negative for less than usual."""


def odd_days(history: Floats) -> list[OddDay]:
    """Days of float64[d] that stand out from the PAST_DAYS before them, weekdays compared with their like.

    Days that stood out themselves are not part of the past of later ones.
    """
    kept = history.copy()
    found: list[OddDay] = []
    for index in range(LEAST_DAYS, len(history)):
        past = kept[max(0, index - PAST_DAYS) : index]
        usual = _usual(past)
        spread = _week_to_week(past)
        difference = float(history[index]) - usual
        # A flat past has no spread; a hundredth of the level keeps a cent from being an alarm.
        score = difference / max(spread, abs(usual) * 0.01, 1e-9)
        if abs(score) >= SCORE and abs(difference) >= LEAST_RATIO * max(abs(usual), 1e-9):
            found.append(OddDay(index, float(history[index]), usual, score))
            kept[index] = usual
    return found


def _usual(past: Floats) -> float:
    """What the next day would be: the middle of the same weekdays."""
    return float(np.median(past[::-1][6::7]))


def _week_to_week(past: Floats) -> float:
    """Robust standard deviation of the change from a day to the same weekday a week later."""
    changes = past[7:] - past[:-7]
    return _MAD_TO_SIGMA * float(np.median(np.abs(changes - np.median(changes))))


# ---- what made it --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Metered:
    """What a bill says of one product over some days: None where it has no quantity."""

    product: str
    cost: Decimal
    quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class Effect:
    """A product's part of the difference; `price + volume + other` is the whole difference, exactly."""

    product: str
    price: Decimal
    """Another price for what was used, at the new quantity."""
    volume: Decimal
    """Another quantity, at the old price."""
    other: Decimal
    """Where the bill has no quantities."""

    @property
    def difference(self) -> Decimal:
        return EXACT.add(EXACT.add(self.price, self.volume), self.other)


def effects(before: Sequence[Metered], after: Sequence[Metered]) -> list[Effect]:
    """The difference between two periods of the same length, product by product, the largest first."""
    old, new = {each.product: each for each in before}, {each.product: each for each in after}
    found = [_effect(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]
    return sorted((each for each in found if each.difference), key=lambda each: -abs(each.difference))


def _effect(product: str, before: Metered | None, after: Metered | None) -> Effect:
    old_cost, new_cost = before.cost if before else ZERO, after.cost if after else ZERO
    difference = EXACT.subtract(new_cost, old_cost)
    if before is None or after is None:
        return Effect(product, ZERO, difference, ZERO)
    if before.quantity is None or after.quantity is None or before.quantity <= 0:
        return Effect(product, ZERO, ZERO, difference)
    old_price = unit_price(old_cost, before.quantity)
    volume = EXACT.multiply(EXACT.subtract(after.quantity, before.quantity), old_price)
    return Effect(product, EXACT.subtract(difference, volume), volume, ZERO)
