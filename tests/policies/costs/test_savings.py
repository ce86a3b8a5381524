"""Savings are never larger than what is spent, and what was not measured is not idle."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.costs.exact import exact_sum
from policies.costs.savings import Saving, idle_reason, replicas_saving, within_the_bill

amounts = st.decimals("-1e12", "1e12", places=18)
services = st.sampled_from(["", "a", "b", "c"])
candidates = st.builds(Saving, st.sampled_from(["idle", "replicas"]), services, amounts, st.just("why"))


@given(st.lists(candidates, max_size=12), st.dictionaries(services, amounts))
def test_savings_are_never_larger_than_the_bill(found: list[Saving], costs: dict[str, Decimal]) -> None:
    kept = within_the_bill(found, costs)
    assert exact_sum(each.amount for each in kept) <= max(exact_sum(costs.values()), Decimal(0))
    for service, cost in costs.items():
        assert exact_sum(each.amount for each in kept if each.service == service) <= max(cost, Decimal(0))
    assert all(each.amount > 0 for each in kept)


@given(st.decimals("0.01", "1e9", places=2), st.integers(0, 50), st.integers(0, 50))
def test_fewer_replicas_never_save_more_than_they_cost(cost: Decimal, replicas: int, recommended: int) -> None:
    saving = replicas_saving("a", cost, replicas, recommended)
    assert (saving is None) == (recommended >= replicas)
    if saving:
        assert 0 < saving.amount <= cost


def test_half_of_the_replicas_save_half() -> None:
    saving = replicas_saving("a", Decimal(10), 4, 2)
    assert saving == Saving("replicas", "a", Decimal(5), "4 replicas run, 2 are enough")


@pytest.mark.parametrize(
    ("cpu_hours", "requests", "words"),
    [
        (None, Decimal(0), ""),
        (Decimal(100), None, ""),
        (Decimal(1), Decimal(7), ""),
        (Decimal(1), Decimal(0), "1.00 CPU hours in 30 days, no request"),
        (Decimal(1), None, "1.00 CPU hours in 30 days, requests are not measured"),
    ],
)
def test_idle_needs_evidence(cpu_hours: Decimal | None, requests: Decimal | None, words: str) -> None:
    assert idle_reason(cpu_hours, requests, 30) == words
