"""Money is added, divided and rounded without losing a cent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.costs.exact import EXACT, exact_sum, product, rounded_to_cents, shares

amounts = st.decimals(min_value=-(10**19), max_value=10**19, places=18)


def test_a_sum_keeps_more_digits_than_pythons_default_context() -> None:
    values = [Decimal("12345678901234567890.000000000000000001"), Decimal("0.000000000000000002")]
    assert sum(values, Decimal(0)) != exact_sum(values)
    assert exact_sum(values) == Decimal("12345678901234567890.000000000000000003")


def test_a_product_is_rounded_half_to_even_at_eighteen_places() -> None:
    assert product(Decimal("0.000000000000000001"), Decimal("0.5")) == 0
    assert product(Decimal("0.000000000000000003"), Decimal("0.5")) == Decimal("0.000000000000000002")


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any))
def test_shares_add_up_to_what_was_divided(amount: Decimal, weights: list[int]) -> None:
    parts = shares(amount, weights)
    assert exact_sum(parts) == amount
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if not weight)


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_shares_need_weights(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights must be positive"):
        shares(Decimal(1), weights)


@given(st.lists(amounts, max_size=40))
def test_cents_add_up_to_the_rounded_sum_and_move_nothing_by_a_cent(values: list[Decimal]) -> None:
    cents = rounded_to_cents(values)
    assert abs(EXACT.subtract(exact_sum(cents), exact_sum(values))) <= Decimal("0.005")
    assert all(abs(EXACT.subtract(cent, value)) < Decimal("0.01") for cent, value in zip(cents, values, strict=True))
    assert all(cent.as_tuple().exponent == -2 for cent in cents)


def test_three_thirds_of_a_dollar_are_a_dollar() -> None:
    third = Decimal("0.333333333333333333")
    assert rounded_to_cents([third, third, third]) == [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]
