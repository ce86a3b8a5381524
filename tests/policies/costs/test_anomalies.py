"""Days that stand out are told once, and the difference is taken apart without rest."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.costs.anomalies import Metered, effects, odd_days
from policies.costs.exact import exact_sum


def test_a_jump_stands_out_and_a_weekend_does_not() -> None:
    history = np.resize([10.0, 10.5, 11, 10, 10.2, 4, 3], 60)
    assert odd_days(history) == []
    history[45] = 30
    (found,) = odd_days(history)
    assert (found.index, found.amount, found.usual) == (45, 30, pytest.approx(10, abs=1))
    assert found.score > 5


def test_a_drop_stands_out_too_and_cents_do_not() -> None:
    history = np.full(40, 10.0)
    history[30], history[35] = 2.0, 10.05
    assert [(found.index, found.score < 0) for found in odd_days(history)] == [(30, True)]


def test_noise_and_growth_do_not_stand_out() -> None:
    noise = np.random.default_rng(3).uniform(0, 2, 100)
    week = np.resize([12.0, 12, 12, 12, 12, 8, 8], 100)
    assert odd_days(week + noise + 0.05 * np.arange(100)) == []


def test_a_short_history_has_no_odd_days() -> None:
    assert odd_days(np.array([1.0, 100.0, 1.0])) == []


def test_a_higher_price_and_a_larger_quantity_are_told_apart() -> None:
    before = [Metered("cpu", Decimal(10), Decimal(100)), Metered("gone", Decimal(1), Decimal(1))]
    after = [Metered("cpu", Decimal(24), Decimal(120)), Metered("new", Decimal(2), None)]
    found = {each.product: each for each in effects(before, after)}
    assert (found["cpu"].price, found["cpu"].volume, found["cpu"].other) == (12, 2, 0)
    assert (found["gone"].volume, found["new"].volume) == (-1, 2)
    assert next(iter(found)) == "cpu"


def test_without_quantities_the_difference_is_only_a_difference() -> None:
    (found,) = effects([Metered("x", Decimal(1), None)], [Metered("x", Decimal(3), Decimal(2))])
    assert (found.price, found.volume, found.other) == (0, 0, 2)


metered = st.builds(
    Metered,
    st.sampled_from(["a", "b", "c"]),
    st.decimals("-1e9", "1e9", places=6),
    st.none() | st.decimals("0", "1e6", places=4),
)
products = st.lists(metered, max_size=3, unique_by=lambda each: each.product)


@given(products, products)
def test_the_effects_add_up_to_the_difference_exactly(before: list[Metered], after: list[Metered]) -> None:
    difference = exact_sum(each.cost for each in after) - exact_sum(each.cost for each in before)
    assert exact_sum(each.difference for each in effects(before, after)) == difference
