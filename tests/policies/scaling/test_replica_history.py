"""Changes, flaps and time at the maximum are counted from replica counts over time."""

import numpy as np
import pytest

from policies.scaling.history import replica_history

NAN = float("nan")
MINUTE = 60_000


@pytest.mark.parametrize(
    ("replicas", "changes", "flaps"),
    [
        ([2, 2, 2], 0, 0),
        ([2, 3, 4, 5], 3, 0),
        ([2, 3, 2], 2, 1),
        ([2, 3, 2, 3, 2], 4, 3),
        ([2, 3, NAN, 3, 2], 2, 1),
        ([2, 3] + [3] * 15 + [2], 2, 0),
        ([], 0, 0),
        ([NAN], 0, 0),
    ],
)
def test_a_flap_is_a_change_turned_back_within_a_quarter_of_an_hour(
    replicas: list[float], changes: int, flaps: int
) -> None:
    times = np.arange(len(replicas), dtype=np.int64) * MINUTE
    history = replica_history(times, np.array(replicas, float), np.full(len(replicas), NAN))
    assert (history.changes, history.flaps, history.at_maximum_ratio) == (changes, flaps, None)


def test_time_at_the_maximum_is_a_share_of_the_time_that_is_known() -> None:
    replicas = np.array([4, 5, 5, NAN, 4, 5, 9])
    maximum = np.array([5, 5, 5, 5, 5, 5, NAN])
    history = replica_history(np.arange(7, dtype=np.int64) * MINUTE, replicas, maximum)
    assert history.at_maximum_ratio == pytest.approx(3 / 5)
    assert history.times_at_maximum == 2
