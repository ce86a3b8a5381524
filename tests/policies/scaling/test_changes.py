"""Each recorded change is explained by what was recorded at it."""

import numpy as np

from policies.scaling.changes import Evidence, recorded_changes

STEPS = 8


def evidence(**rows: list[float]) -> Evidence:
    """Two replicas of half a core each between 1 and 4, aimed at half of it, unless `rows` say otherwise."""
    usual = {
        "desired": [2.0] * STEPS, "ready": [2.0] * STEPS, "minimum": [1.0] * STEPS, "maximum": [4.0] * STEPS,
        "usage": [0.5] * STEPS, "request": [1.0] * STEPS, "target_ratio": [0.5] * STEPS,
    }  # fmt: skip
    columns = {name: np.array(values, np.float64) for name, values in {**usual, **rows}.items()}
    return Evidence(times_ms=np.arange(STEPS, dtype=np.int64) * 15_000, **columns)


def test_a_growth_is_explained_by_metric_formula_and_time_until_ready() -> None:
    (change,) = recorded_changes(
        evidence(desired=[2, 2, 3, 3, 3, 3, 3, 3], ready=[2, 2, 2, 2, 2, 3, 3, 3], usage=[0.5, 0.5, *[0.7] * 6])
    )
    assert (change.at_ms, change.before, change.after) == (30_000, 2, 3)
    assert change.explanation == "ceil(2 x 0.7 / 0.5) = 3"
    assert change.ready_after_seconds == 45
    assert change.limit == ""


def test_a_count_at_its_maximum_is_told_so() -> None:
    (change,) = recorded_changes(evidence(desired=[2, 4, 4, 4, 4, 4, 4, 4], usage=[0.5, *[2.0] * 7]))
    assert change.limit == "maximum"
    assert change.recommendation is not None
    assert change.recommendation.limited_by == "maximum"


def test_a_change_that_the_formula_does_not_explain_is_not_explained_away() -> None:
    (change,) = recorded_changes(evidence(desired=[2, 4, 4, 4, 4, 4, 4, 4]))
    assert "does not explain 4" in change.explanation


def test_a_change_without_a_metric_says_what_is_missing() -> None:
    (change,) = recorded_changes(evidence(desired=[2, 1, 1, 1, 1, 1, 1, 1], usage=[np.nan] * STEPS))
    assert change.utilization_ratio is None
    assert "not recorded" in change.explanation


def test_a_gap_is_no_change_and_a_change_across_it_is_one() -> None:
    gap = [2, np.nan, 2, np.nan, np.nan, 3, 3, 3]
    assert [(one.at_ms, one.after) for one in recorded_changes(evidence(desired=gap))] == [(75_000, 3)]
