"""Stabilisation, rates and limits, with the examples of the Kubernetes documentation."""

import pytest

from policies.scaling.hpa.document import DEFAULT_DOWN, DEFAULT_UP, RatePolicy, Rules
from policies.scaling.hpa.normalization import Memory, normalize


def test_without_a_behavior_a_count_at_most_doubles_or_goes_to_four() -> None:
    for current, expected in [(1, 4), (2, 4), (3, 6), (10, 20)]:
        assert normalize(current, 100, 1, 100, None, None, Memory(), 0).replicas == expected


def test_the_highest_wish_of_five_minutes_holds_a_count_up() -> None:
    memory = Memory()
    wishes = [(0, 10), (100, 4), (300, 4), (301, 4)]
    counts = [normalize(10, wish, 1, 20, None, None, memory, now).replicas for now, wish in wishes]
    assert counts == [10, 10, 10, 4]


@pytest.mark.parametrize(
    ("select", "expected"),
    [("Max", 72), ("Min", 76), ("Disabled", 80)],
)
def test_the_documented_scale_down_of_eighty_replicas(select: str, expected: int) -> None:
    rules = Rules(0, select, (RatePolicy("Pods", 4, 60), RatePolicy("Percent", 10, 60)))  # type: ignore[arg-type]
    assert normalize(80, 10, 10, 100, DEFAULT_UP, rules, Memory(), 0).replicas == expected


def test_a_rate_counts_from_the_start_of_its_period() -> None:
    rules, memory = Rules(0, "Max", (RatePolicy("Pods", 4, 60),)), Memory()
    assert normalize(20, 1, 1, 100, DEFAULT_UP, rules, memory, 0).replicas == 16
    memory.changed(0, 20, 16)
    assert normalize(16, 1, 1, 100, DEFAULT_UP, rules, memory, 30).replicas == 16
    assert normalize(16, 1, 1, 100, DEFAULT_UP, rules, memory, 60).replicas == 12


def test_the_default_behavior_doubles_or_adds_four_every_fifteen_seconds() -> None:
    assert normalize(1, 100, 1, 100, DEFAULT_UP, DEFAULT_DOWN, Memory(), 0).replicas == 5
    assert normalize(10, 100, 1, 100, DEFAULT_UP, DEFAULT_DOWN, Memory(), 0).replicas == 20


def test_what_holds_a_count_is_named() -> None:
    assert normalize(4, 9, 1, 6, DEFAULT_UP, DEFAULT_DOWN, Memory(), 0).limited_by == "maximum"
    assert normalize(4, 90, 1, 60, DEFAULT_UP, DEFAULT_DOWN, Memory(), 0).limited_by == "rate"
    down = Rules(0, "Max", (RatePolicy("Percent", 100, 15),))
    assert normalize(4, 0, 2, 60, DEFAULT_UP, down, Memory(), 0).limited_by == "minimum"
