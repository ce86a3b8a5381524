"""Whatever the rules, the allocated cost is the bill, to the last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.costs.allocation import Cost, Rule, Split, allocate, read_allocation_policy, totals
from policies.documents.located import DocumentError

SERVICES = st.sampled_from(["", "a", "b", "c"])
AMOUNTS = st.decimals("-1e15", "1e15", places=18)
COSTS = st.lists(
    st.builds(
        Cost,
        SERVICES,
        st.sampled_from(["", "prod"]),
        st.sampled_from(["USD", "EUR"]),
        AMOUNTS,
        AMOUNTS,
        st.integers(1, 5),
        tags=st.dictionaries(st.sampled_from(["team"]), st.sampled_from(["x", "y"])),
    ),
    max_size=12,
)
WEIGHTS = st.dictionaries(st.sampled_from("abcd"), st.decimals("0", "1e9", places=6), max_size=4)
SPLITS = st.one_of(
    st.builds(Split, st.just("even"), st.sampled_from([(), ("a", "b")])),
    st.builds(Split, st.just("fixed"), weights=WEIGHTS),
    st.builds(Split, st.just("proportional"), st.sampled_from([(), ("c",)]), measure=st.sampled_from(["cost", "cpu"])),
)
CONDITIONS = st.dictionaries(st.just("service"), st.frozensets(SERVICES, min_size=1))
RULES = st.lists(
    st.one_of(
        st.builds(Rule, st.text("rs", max_size=2), CONDITIONS, st.just({}), split=SPLITS),
        st.builds(Rule, st.text("rs", max_size=2), CONDITIONS, st.just({"team": frozenset("x")}), service=SERVICES),
    ),
    max_size=4,
)


@given(COSTS, RULES, st.dictionaries(st.text("rs", max_size=2), WEIGHTS, max_size=3))
def test_allocated_cost_sums_to_the_bill_for_every_rule(
    costs: list[Cost], rules: list[Rule], weights: dict[str, dict[str, Decimal]]
) -> None:
    allocation = allocate(costs, rules, weights)
    assert totals(allocation.costs) == totals(costs)
    assert sum(cost.charges for cost in allocation.costs) == sum(cost.charges for cost in costs)


def cost(service: str, amount: str, **words: str) -> Cost:
    return Cost(service, "", "USD", Decimal(amount), Decimal(amount), 1, **words)  # type: ignore[arg-type]


def policy(rules: str) -> str:
    return f"apiVersion: belvedere/v1\nkind: AllocationPolicy\nmetadata: {{name: p}}\nspec:\n  rules:\n{rules}"


SHARED = policy(
    """\
    - name: support
      match: {chargeCategory: [Purchase]}
      to: {service: platform, environment: all}
    - name: cluster
      match: {service: [""], providerServiceName: EKS}
      split: {method: proportional, by: cpu}
    - name: rest
      match: {service: [""]}
      split: {method: fixed, weights: {a: "0.75", b: "0.25"}}
"""
)


def test_the_first_rule_that_matches_decides() -> None:
    rules = read_allocation_policy(SHARED).rules
    costs = [
        cost("a", "1"),
        cost("", "10", charge_category="Purchase"),
        cost("", "8", service_name="EKS"),
        cost("", "4"),
    ]
    allocation = allocate(costs, rules, {"cluster": {"a": Decimal(1), "b": Decimal(3)}})
    assert [(one.service, one.environment, one.billed_cost, one.rule) for one in allocation.costs] == [
        ("a", "", 1, ""),
        ("platform", "all", 10, "support"),
        ("a", "", 2, "cluster"),
        ("b", "", 6, "cluster"),
        ("a", "", 3, "rest"),
        ("b", "", 1, "rest"),
    ]
    assert allocation.notes == ()


def test_a_split_without_anything_to_divide_by_leaves_the_cost_and_says_so() -> None:
    rules = read_allocation_policy(SHARED).rules
    allocation = allocate([cost("", "8", service_name="EKS")], rules, {})
    assert allocation.costs[0].service == ""
    assert "'cluster' has nothing to divide by" in allocation.notes[0]


def test_proportional_by_cost_follows_what_services_pay_directly() -> None:
    rules = read_allocation_policy(
        policy('    - {name: r, match: {service: [""]}, split: {method: proportional, by: cost}}')
    ).rules
    costs = [cost("a", "3"), cost("b", "1"), cost("c", "-2"), cost("", "8")]
    parts = {one.service: one.billed_cost for one in allocate(costs, rules, {}).costs if one.rule}
    assert parts == {"a": 6, "b": 2}


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ("    - {name: r, match: {}, to: {service: a}}", "spec.rules[0].match must name at least one condition"),
        ("    - {name: r, match: {service: a}}", "must have either `to` or `split`"),
        ("    - {name: r, match: {color: a}, to: {service: a}}", "spec.rules[0].match.color is not known here"),
        ("    - {name: r, match: {service: 5}, to: {service: a}}", "is 5; expected a text; quote numbers"),
        ("    - {name: r, match: {service: a}, split: {method: fixed}}", "has no weights"),
        ("    - {name: r, match: {service: a}, split: {method: fixed, weights: {a: -1}}}", "is -1; expected a weight"),
        ("    - {name: r, match: {service: a}, split: {method: fixed, weights: {a: 0}}}", "at least one weight above"),
        (
            "    - {name: r, match: {service: a}, split: {method: proportional, by: luck}}",
            "expected one of cost, requests",
        ),
        ("    - {name: r, match: {service: a}, split: {method: proportional, by: query}}", "must have a query"),
        ("    - &r {name: r, match: {service: a}, to: {service: a}}\n    - *r", "has the name 'r' of an earlier rule"),
    ],
)
def test_a_fault_is_told_with_its_place(rules: str, fault: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_allocation_policy(policy(rules))
    assert fault in str(caught.value)
    assert str(caught.value).startswith("line ")
