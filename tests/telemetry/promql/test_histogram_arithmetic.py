"""Arithmetic of native histograms: two of them go together whatever their resolution, or say why they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.histograms import CUSTOM_SCHEMA, Buckets, Histogram, ResetHint, reduced, shown_buckets
from telemetry.promql import histogram_arithmetic as arithmetic


def buckets(counts: dict[int, float]) -> Buckets:
    return Buckets(np.array(sorted(counts), np.int64), np.array([counts[index] for index in sorted(counts)], float))


def exponential(positive: dict[int, float], *, schema: int = 0, zero: float = 0.0, threshold: float = 0.0) -> Histogram:
    count = sum(positive.values()) + zero
    return Histogram(schema, count, 2 * count, threshold, zero, buckets(positive))


def custom(positive: dict[int, float], bounds: list[float]) -> Histogram:
    return Histogram(
        CUSTOM_SCHEMA, sum(positive.values()), 1.0, positive=buckets(positive), custom_bounds=np.array(bounds)
    )


def counts_of(histogram: Histogram) -> dict[int, float]:
    return dict(zip(histogram.positive.indices.tolist(), histogram.positive.counts.tolist(), strict=True))


sides = st.dictionaries(st.integers(-30, 30), st.integers(1, 1000).map(float), max_size=8)
histograms = st.builds(exponential, sides, schema=st.integers(-4, 8), zero=st.integers(0, 9).map(float))


@given(histograms, histograms)
def test_a_sum_does_not_depend_on_the_order(one: Histogram, other: Histogram) -> None:
    assert arithmetic.equals(arithmetic.add(one, other), arithmetic.add(other, one))


@given(histograms, histograms)
def test_subtracting_what_was_added_leaves_the_histogram_at_the_lower_resolution(
    one: Histogram, other: Histogram
) -> None:
    left = arithmetic.compacted(arithmetic.subtract(arithmetic.add(one, other), other))
    assert arithmetic.equals(left, reduced(one, min(one.schema, other.schema)))


@given(histograms, st.integers(0, 12))
def test_a_lower_resolution_keeps_every_observation_between_its_bounds(one: Histogram, steps: int) -> None:
    coarse = reduced(one, max(one.schema - steps, -4))
    assert coarse.positive.counts.sum() == one.positive.counts.sum()
    fine, rough = shown_buckets(one), shown_buckets(coarse)
    for upper, count in zip(rough.upper.tolist(), np.cumsum(rough.counts).tolist(), strict=True):
        assert fine.counts[fine.upper <= upper * (1 + 1e-12)].sum() == count


def test_the_wider_zero_bucket_takes_in_what_lies_within_it() -> None:
    narrow = exponential({-1: 3.0, 1: 2.0}, zero=1.0, threshold=0.001)
    wide = exponential({1: 4.0}, zero=5.0, threshold=0.5)
    found = arithmetic.add(narrow, wide)
    assert (found.zero_threshold, found.zero_count, counts_of(found)) == (0.5, 9.0, {1: 6.0})


def test_a_zero_bucket_that_ends_inside_of_a_filled_bucket_grows_to_its_end() -> None:
    found = arithmetic.add(exponential({1: 3.0}, threshold=0.0), exponential({5: 1.0}, zero=2.0, threshold=1.5))
    assert (found.zero_threshold, found.zero_count, counts_of(found)) == (2.0, 5.0, {5: 1.0})


def test_exponential_and_custom_buckets_do_not_go_together() -> None:
    with pytest.raises(arithmetic.IncompatibleSchemas):
        arithmetic.add(exponential({1: 1.0}), custom({0: 1.0}, [1.0]))


def test_custom_buckets_go_together_with_the_same_bounds_only() -> None:
    assert counts_of(arithmetic.add(custom({0: 1.0}, [1.0]), custom({1: 2.0}, [1.0]))) == {0: 1.0, 1: 2.0}
    with pytest.raises(arithmetic.IncompatibleBounds):
        arithmetic.subtract(custom({0: 1.0}, [1.0]), custom({0: 1.0}, [2.0]))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (exponential({1: 2.0}), exponential({1: 2.0}), False),
        (exponential({1: 2.0}), exponential({1: 2.0, 2: 1.0}), False),
        (exponential({1: 2.0}), exponential({1: 1.0, 2: 5.0}), True),
        (exponential({1: 2.0, 2: 1.0}), exponential({1: 9.0}), True),
        (exponential({1: 2.0, 2: 0.0}), exponential({1: 9.0}), False),
        (exponential({1: 2.0}), exponential({1: 2.0}, schema=1), True),
        (exponential({1: 1.0, 2: 1.0}, schema=1), exponential({1: 2.0}), False),
        (exponential({1: 1.0}, threshold=0.5), exponential({1: 1.0}, threshold=0.25), True),
        (exponential({-1: 1.0, 1: 1.0}), exponential({1: 1.0}, zero=1.0, threshold=0.5), False),
        (exponential({-1: 1.0, 1: 1.0}), exponential({1: 2.0}, threshold=0.5), True),
        (custom({0: 1.0}, [1.0]), custom({0: 1.0}, [2.0]), True),
        (custom({0: 1.0}, [1.0]), exponential({1: 9.0}), True),
    ],
)
def test_a_reset_is_a_count_that_fell_or_a_layout_that_got_finer(
    before: Histogram, after: Histogram, expected: bool
) -> None:
    assert arithmetic.is_reset(after, before) is expected


def test_the_hint_of_a_sum_is_a_gauge_if_either_is_and_unknown_in_doubt() -> None:
    hinted = {hint: Histogram(0, 1.0, 1.0, hint=hint) for hint in ResetHint}
    sums = {
        pair: arithmetic.add(hinted[pair[0]], hinted[pair[1]]).hint
        for pair in zip(ResetHint, [*ResetHint][::-1], strict=True)
    }
    assert sums[ResetHint.UNKNOWN, ResetHint.GAUGE] is ResetHint.GAUGE
    assert sums[ResetHint.RESET, ResetHint.NOT_RESET] is ResetHint.UNKNOWN
    assert arithmetic.add(hinted[ResetHint.RESET], hinted[ResetHint.RESET]).hint is ResetHint.RESET


def test_division_by_zero_leaves_no_buckets() -> None:
    with np.errstate(all="ignore"):
        found = arithmetic.divide(exponential({1: 2.0}), 0.0)
    assert (found.count, len(found.positive)) == (float("inf"), 0)
