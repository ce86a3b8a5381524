"""Aggregations against plain sums, sorts and heaps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.labels import labels_from
from telemetry.promql.groups import Groups
from telemetry.promql.ranking import arrived
from telemetry.promql.sums import add_pairwise, mean_by_group, sum_by_group
from telemetry.promql.values import Vector, vector

ROWS = st.integers(1, 80)
NUMBERS = st.floats(-1e12, 1e12)


def groups_of(values: list[float], present: list[bool], groups: list[int]) -> Groups:
    """Rows of one time."""
    labels = [labels_from({"row": str(row + 1)}) for row in range(len(values))]
    operand: Vector = vector(labels, np.array(values).reshape(-1, 1), np.array(present).reshape(-1, 1))
    found, index = np.unique(groups, return_inverse=True)
    return Groups(operand, index.reshape(-1), [labels_from({"g": str(one + 1)}) for one in found.tolist()])


@st.composite
def grouped(draw: st.DrawFn, values: st.SearchStrategy[float] = NUMBERS) -> tuple[list[float], list[bool], list[int]]:
    number = draw(ROWS)
    return (
        draw(st.lists(values, min_size=number, max_size=number)),
        draw(st.lists(st.booleans(), min_size=number, max_size=number)),
        draw(st.lists(st.integers(0, 2), min_size=number, max_size=number)),
    )


def members(rows: tuple[list[float], list[bool], list[int]]) -> list[list[float]]:
    """Samples of each group."""
    values, present, groups = rows
    return [
        [value for value, shown, group in zip(values, present, groups, strict=True) if shown and group == one]
        for one in sorted(set(groups))
    ]


@given(grouped())
def test_sums_and_means_are_right_to_the_last_digit(rows: tuple[list[float], list[bool], list[int]]) -> None:
    sums, means = sum_by_group(groups_of(*rows)), mean_by_group(groups_of(*rows))
    for total, mean, values in zip(sums[:, 0].tolist(), means[:, 0].tolist(), members(rows), strict=True):
        if values:
            slack = 1e-25 * sum(map(abs, values))
            assert total == pytest.approx(math.fsum(values), rel=2.3e-16, abs=slack)
            assert mean == pytest.approx(math.fsum(values) / len(values), rel=4.5e-16, abs=slack)


@given(grouped(st.sampled_from([1.0, math.inf, -math.inf, math.nan, 1e308])))
def test_sums_of_infinities_and_overflows_are_those_of_addition(
    rows: tuple[list[float], list[bool], list[int]],
) -> None:
    with np.errstate(all="ignore"):  # as the engine does around every query
        sums = sum_by_group(groups_of(*rows))
    for total, values in zip(sums[:, 0].tolist(), members(rows), strict=True):
        expected = 0.0
        for value in values:
            expected += value
        assert math.isnan(total) if math.isnan(expected) else total == pytest.approx(expected, abs=0) or not values


@given(st.lists(NUMBERS, min_size=2, max_size=200))
def test_pairwise_sums_lose_nothing(values: list[float]) -> None:
    groups = groups_of(values, [True] * len(values), [0] * len(values))
    total, error = add_pairwise(groups.sorted_values(-0.0), groups)
    slack = 1e-25 * sum(map(abs, values))
    assert float(total[0, 0] + error[0, 0]) == pytest.approx(math.fsum(values), rel=2.3e-16, abs=slack)


def test_what_cancels_leaves_what_is_small() -> None:
    for number in (3, 101):
        values = [1e100, 1.0, -1e100] + [0.0] * (number - 3)
        assert sum_by_group(groups_of(values, [True] * number, [0] * number)).tolist() == [[1.0]]


def test_negative_zero_survives_a_sum() -> None:
    assert math.copysign(1, sum_by_group(groups_of([-0.5 + 0.5, -0.0], [False, True], [0, 0]))[0, 0]) == -1


@given(st.lists(st.integers(0, 4).map(float) | st.just(math.nan), min_size=1, max_size=20), st.integers(1, 6))
def test_a_heap_keeps_the_best(keys: list[float], limit: int) -> None:
    chosen = arrived(np.array(keys), np.ones(len(keys), dtype=np.bool_), limit)
    assert chosen.sum() == min(limit, len(keys))
    order = sorted(keys, key=lambda key: (math.isnan(key), key))
    kept = sorted(np.array(keys)[chosen].tolist(), key=lambda key: (math.isnan(key), key))
    assert np.array_equal(kept, order[: len(kept)], equal_nan=True)
