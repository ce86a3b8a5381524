"""Measured use times the price of its day; what has no price says so."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.costs.exact import exact_sum, product
from policies.costs.measured import Usage, priced
from policies.costs.prices import InvalidPrice, PriceList, parsed_prices, price_list_on

FIRST = date(2024, 9, 1)


def sheet(price: str, *, since: date = FIRST, example: bool = False) -> PriceList:
    return PriceList("sheet", since, "USD", parsed_prices({"vcpu_hour": price}), example)


def usage(quantity: str, *, day: date = FIRST, unit: str = "vcpu_hour") -> Usage:
    return Usage("checkout", "production", day, unit, Decimal(quantity))


def test_use_is_priced_by_the_sheet_of_its_day() -> None:
    lists = [sheet("0.04"), sheet("0.05", since=date(2024, 9, 3))]
    days = [date(2024, 9, day) for day in (1, 2, 3, 4)]
    assert [row.unit_price for row in priced([usage("1", day=day) for day in days], lists)] == [
        Decimal("0.04"), Decimal("0.04"), Decimal("0.05"), Decimal("0.05"),
    ]  # fmt: skip


def test_an_own_sheet_wins_over_the_example_even_if_it_began_earlier() -> None:
    own, example = sheet("1", since=date(2020, 1, 1)), sheet("2", example=True)
    assert price_list_on(FIRST, [own, example]) is own


def test_what_has_no_price_is_kept_without_amount() -> None:
    (row,) = priced([usage("3", unit="gib_hour")], [sheet("1")])
    assert (row.unit_price, row.amount) == (None, None)
    (row,) = priced([usage("3", day=date(2023, 1, 1))], [sheet("1")])
    assert (row.price_list, row.amount) == (None, None)


@given(
    st.lists(st.decimals(min_value=0, max_value=10**9, places=9), max_size=30),
    st.decimals(min_value=0, max_value=1000, places=6),
)
def test_amounts_of_parts_add_up_to_the_amount_of_the_whole(quantities: list[Decimal], price: Decimal) -> None:
    rows = priced([usage(str(quantity)) for quantity in quantities], [sheet(str(price))])
    assert exact_sum(row.amount for row in rows if row.amount is not None) == product(exact_sum(quantities), price)


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ({"cpu": "1"}, "unknown unit 'cpu'; there are vcpu_hour"),
        ({"vcpu_hour": 0.04}, 'must be decimal text such as "0.04", not 0.04'),
        ({"vcpu_hour": "cheap"}, "must be a decimal such as 0.04, not 'cheap'"),
        ({"vcpu_hour": "-1"}, "must be finite and not negative, not '-1'"),
        ({"vcpu_hour": "Infinity"}, "must be finite and not negative, not 'Infinity'"),
    ],
)
def test_a_price_that_cannot_be_used_is_named(prices: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPrice, match=message.replace("(", r"\(")):
        parsed_prices(prices)
