"""However spend is grouped, the groups add up to the bill."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.costs.exact import exact_sum, rounded_to_cents
from policies.costs.spend import UNALLOCATED, SpendLine, allocated_ratio, main_currency, spend_by, total

amounts = st.decimals(min_value=-(10**19), max_value=10**19, places=18)
lines = st.builds(
    SpendLine,
    day=st.integers(0, 30).map(lambda days: date(2024, 9, 1) + timedelta(days=days)),
    service=st.sampled_from([UNALLOCATED, "checkout", "search", "mail"]),
    environment=st.sampled_from(["", "production", "staging"]),
    category=st.sampled_from(["Compute", "Storage"]),
    currency=st.just("USD"),
    billed_cost=amounts,
    effective_cost=amounts,
)


def line(billed: str, *, service: str = "checkout", currency: str = "USD") -> SpendLine:
    return SpendLine(date(2024, 9, 1), service, "", "", currency, Decimal(billed), Decimal(0))


@pytest.mark.parametrize("key", ["day", "service", "environment", "category"])
@given(rows=st.lists(lines, max_size=40))
def test_groups_add_up_to_the_bill_exactly_and_to_the_cent(key: str, rows: list[SpendLine]) -> None:
    groups = spend_by(rows, lambda row: getattr(row, key))
    whole = total(rows)
    assert exact_sum(group.billed_cost for group in groups.values()) == whole.billed_cost
    assert exact_sum(group.effective_cost for group in groups.values()) == whole.effective_cost
    shown = exact_sum(rounded_to_cents([group.billed_cost for group in groups.values()]))
    assert shown == exact_sum(rounded_to_cents([whole.billed_cost]))


def test_a_credit_does_not_hide_what_is_unallocated() -> None:
    rows = [line("60"), line("50", service=UNALLOCATED), line("-50", service=UNALLOCATED)]
    assert allocated_ratio(rows) == pytest.approx(0.375)
    assert allocated_ratio([]) is None


def test_the_main_currency_is_the_one_with_most_spend() -> None:
    assert main_currency([line("5"), line("-9", currency="EUR"), line("3")]) == "EUR"
    assert main_currency([]) == ""
