"""What was committed since a moment, against remembering every commit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.store import commit_times
from telemetry.store.commit_times import CommitTimes


@given(commits=st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=4), max_size=30))
def test_the_earliest_time_since_each_moment_is_known(commits: list[list[int]]) -> None:
    times = CommitTimes()
    moments = [times.now()]
    for commit in commits:
        times.histograms_committed(np.array(commit))
        moments.append(times.now())
    for at, moment in enumerate(moments):
        since = [min(commit) for commit in commits[at:]]
        assert times.unchanged_before(moment) == min(since, default=1 << 62)


@given(commits=st.lists(st.integers(0, 500), min_size=1, max_size=60))
def test_with_many_commits_the_time_is_at_most_the_earliest(commits: list[int]) -> None:
    times = CommitTimes()
    most, commit_times._MOST_STEPS = commit_times._MOST_STEPS, 5
    moments = []
    try:
        for commit in commits:
            moments.append(times.now())
            times.histograms_committed(np.array([commit]))
        for at, moment in enumerate(moments):
            assert times.unchanged_before(moment) <= min(commits[at:])
        assert len(times._times) == len(times._numbers) <= 5
    finally:
        commit_times._MOST_STEPS = most


def test_nothing_holds_once_contents_changed() -> None:
    times = CommitTimes()
    before = times.now()
    times.contents_changed()
    assert times.unchanged_before(before) is None
    assert times.unchanged_before(times.now()) is not None
