"""The simulated fleet is the same for a seed, however it is cut in time, and behaves like a real one."""

import json
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.demo.autoscaler import Autoscaler
from dashboard.demo.blocks import SeriesBlock
from dashboard.demo.chunks import ticks
from dashboard.demo.fleet import ENVIRONMENTS, TEAMS, simulated_services
from dashboard.demo.noise import stream_of, uniform, wander
from dashboard.demo.simulation import Simulation
from dashboard.demo.story import DAY, HOUR, MINUTE, Story
from policies.scaling.recommendation import recommend_replicas
from telemetry.model.samples import is_stale

START = 1_794_096_000_000
STORY = Story(seed=7, start_ms=START, days=3)

Found = dict[tuple[tuple[str, str], ...], tuple[np.ndarray, np.ndarray]]


def simulation(services: int = 4, story: Story = STORY) -> Simulation:
    return Simulation(story, simulated_services(services, story.seed))


def live(subject: Simulation, start_ms: int, end_ms: int, step_ms: int = MINUTE) -> list[SeriesBlock]:
    times = ticks(start_ms, end_ms, step_ms)
    return [block for chunk in subject.advance(times, step_ms) for block in chunk.series]


def joined(*parts: Iterable[SeriesBlock]) -> Found:
    found: dict[tuple[tuple[str, str], ...], list[SeriesBlock]] = {}
    for block in (block for part in parts for block in part):
        found.setdefault(block.labels, []).append(block)
    return {
        labels: (np.concatenate([one.times_ms for one in blocks]), np.concatenate([one.values for one in blocks]))
        for labels, blocks in found.items()
    }


def series(found: Found, metric: str, **labels: str) -> Found:
    wanted = {"__name__": metric, **labels}.items()
    return {key: value for key, value in found.items() if wanted <= dict(key).items()}


@pytest.fixture(scope="module")
def three_days() -> Found:
    return joined(live(simulation(), START, START + 3 * DAY))


def test_a_seed_gives_the_same_fleet_and_another_seed_another() -> None:
    assert simulated_services(24, 7) == simulated_services(24, 7)
    assert simulated_services(24, 7) != simulated_services(24, 8)


def test_there_are_24_services_of_four_teams_and_more_are_numbered() -> None:
    services = simulated_services(30, 7)
    assert {service.team for service in services[:24]} == set(TEAMS)
    assert len({service.name for service in services}) == 30
    assert services[24].name == "storefront-2"
    with pytest.raises(ValueError, match="1 to 200 simulated services, not 0"):
        simulated_services(0, 7)


def test_the_same_time_gives_the_same_samples() -> None:
    first, second = (joined(live(simulation(), START, START + 6 * HOUR)) for _ in range(2))
    assert first.keys() == second.keys()
    for labels, (times, values) in first.items():
        np.testing.assert_array_equal(times, second[labels][0])
        np.testing.assert_array_equal(values, second[labels][1])


def test_a_simulation_that_went_on_from_its_state_has_no_seam() -> None:
    whole = joined(live(simulation(), START, START + 30 * HOUR))
    first = simulation()
    before = live(first, START, START + 17 * HOUR)
    second = simulation()
    second.resume(json.loads(json.dumps(first.carry())))
    after = live(second, START + 17 * HOUR, START + 30 * HOUR)
    cut = joined(before, after)
    assert cut.keys() == whole.keys()
    for labels, (times, values) in whole.items():
        np.testing.assert_array_equal(times, cut[labels][0], str(labels))
        np.testing.assert_allclose(values, cut[labels][1], rtol=1e-9, atol=1, err_msg=str(labels))


def test_counters_fall_only_where_a_process_started_anew(three_days: Found) -> None:
    restarts = {
        dict(labels)["instance"]: set((1000 * values[~is_stale(values)]).astype(int).tolist())
        for labels, (_, values) in series(three_days, "process_start_time_seconds").items()
    }
    assert restarts
    falls = 0
    for labels, (times, values) in series(three_days, "http_requests_total").items():
        if (instance := dict(labels)["instance"]) in restarts:
            alive = ~is_stale(values)
            fallen = set(times[alive][1:][np.diff(values[alive]) < 0].tolist())
            falls += len(fallen)
            assert fallen <= restarts[instance]
    assert falls


def test_a_replica_that_goes_ends_its_series_with_a_marker(three_days: Found) -> None:
    ends = 0
    for times, values in series(three_days, "up").values():
        stale = is_stale(values)
        ends += int(stale.sum())
        gaps = np.flatnonzero(np.diff(times) > MINUTE)
        assert stale[gaps].all()
        assert (values[~stale] == 1).all()
    assert ends


def test_the_cluster_counts_the_replicas_that_are_up(three_days: Found) -> None:
    for service in simulated_services(4, 7):
        for environment in ENVIRONMENTS:
            ((times, ready),) = series(
                three_days, "kube_deployment_status_replicas_available", service=service.name, namespace=environment
            ).values()
            up = np.zeros(len(times))
            for own_times, values in series(three_days, "up", service=service.name, environment=environment).values():
                up += np.isin(times, own_times[~is_stale(values)])
            np.testing.assert_array_equal(up, ready)


def test_replicas_stay_within_their_limits(three_days: Found) -> None:
    for name in ("status_desired_replicas", "status_current_replicas"):
        for labels, (_, values) in series(three_days, f"kube_horizontalpodautoscaler_{name}").items():
            own = {"service": dict(labels)["service"], "namespace": dict(labels)["namespace"]}
            ((_, least),) = series(three_days, "kube_horizontalpodautoscaler_spec_min_replicas", **own).values()
            ((_, most),) = series(three_days, "kube_horizontalpodautoscaler_spec_max_replicas", **own).values()
            assert (least <= values).all()
            assert (values <= most).all()


def test_buckets_of_a_histogram_are_cumulative(three_days: Found) -> None:
    buckets = series(three_days, "http_request_duration_seconds_bucket", service="checkout")
    ordered = sorted(buckets.items(), key=lambda entry: float(dict(entry[0])["le"]))
    rows = np.stack([values for _, (_, values) in ordered])
    assert len(ordered) == 8
    assert (np.diff(rows, axis=0) >= 0).all()
    assert (np.diff(rows, axis=1) >= 0).all()
    ((_, counts),) = series(three_days, "http_request_duration_seconds_count", service="checkout").values()
    np.testing.assert_array_equal(rows[-1], counts)


def test_the_bad_deployment_fails_requests_until_it_is_rolled_back() -> None:
    begin, end = STORY.bad_deploy_ms
    subject = simulation()
    times = ticks(START, end + HOUR, MINUTE)
    (chunk,) = [
        chunk
        for chunk in subject.advance(times, MINUTE)
        if chunk.workload.service.name == "checkout" and chunk.workload.environment == "production"
    ]
    errors = chunk.behaviour.error_ratio
    failing = (times >= begin) & (times < end)
    assert errors[failing].min() > 0.1
    assert errors[~failing].max() < 0.05
    versions = [one for one in subject.rollouts(end + 1) if one.service == "checkout" and one.at_ms in (begin, end)]
    assert [(one.version, one.environment) for one in versions if one.environment == "production"] == [
        ("3.0.0", "production"),
        ("2.9.4", "production"),
    ]


def test_the_rush_takes_every_replica_and_is_still_too_much() -> None:
    begin, end = STORY.surge_ms
    times = ticks(START, end + HOUR, MINUTE)
    (chunk,) = [
        chunk
        for chunk in simulation().advance(times, MINUTE)
        if chunk.workload.service.name == "storefront" and chunk.workload.environment == "production"
    ]
    middle = (times > begin + HOUR) & (times < end - HOUR)
    assert (chunk.behaviour.desired[middle] == chunk.workload.service.maximum).all()
    assert chunk.behaviour.error_ratio[middle].min() > 0.05
    assert chunk.behaviour.desired[times < begin].max() < chunk.workload.service.maximum


def test_the_leak_fills_memory_until_the_process_is_killed() -> None:
    story = Story(seed=7, start_ms=START, days=14)
    begin, end = story.leak_ms
    found = joined(live(simulation(story=story), begin - HOUR, end + 12 * HOUR))
    memory = series(found, "process_resident_memory_bytes", service="orders", environment="production")
    limit = simulated_services(4, 7)[3].memory_limit_bytes
    first = next(values for labels, (_, values) in memory.items() if dict(labels)["instance"].endswith("-0:8080"))
    assert np.nanmax(first) > 0.97 * limit
    assert int((np.diff(first) < -0.4 * limit).sum()) >= 2
    assert first[-1] < 0.7 * limit


def test_rollouts_do_not_depend_on_how_far_one_looks() -> None:
    (service,) = [service for service in simulated_services(24, 7) if service.name == "checkout"]
    story = Story(seed=7, start_ms=START, days=14)
    near, far = (story.rollouts(service, START + days * DAY) for days in (9, 20))
    assert near == [rollout for rollout in far if rollout.at_ms < START + 9 * DAY]
    assert {rollout.environment for rollout in far} == set(ENVIRONMENTS)


demands = st.lists(st.floats(0, 30), min_size=1, max_size=120)


@given(demands, st.integers(0, 23))
def test_the_autoscaler_decides_as_the_policy_does(cores: list[float], number: int) -> None:
    service = simulated_services(24, 7)[number]
    scaler = Autoscaler(service, service.minimum, service.maximum, service.minimum, service.minimum)
    times = START + MINUTE * np.arange(len(cores), dtype=np.int64)
    desired_before = service.minimum
    recent: list[tuple[int, int]] = []
    ready, desired = scaler.advance(times, np.array(cores))
    for at, used, working, decided in zip(times.tolist(), cores, ready.tolist(), desired.tolist(), strict=True):
        asked = recommend_replicas(
            int(working), used / (working * service.cpu_request), service.target_ratio,
            minimum=service.minimum, maximum=service.maximum,
        )  # fmt: skip
        steady = asked.wanted == int(working) and "within" in asked.formula
        wanted = desired_before if steady else asked.replicas
        recent = [*((moment, count) for moment, count in recent if moment > at - 300_000), (at, wanted)]
        expected = wanted if wanted >= desired_before else min(max(count for _, count in recent), desired_before)
        assert decided == expected
        desired_before = int(decided)


@given(st.integers(0, 2**31), st.integers(0, 2**31))
def test_noise_is_even_and_of_its_stream_only(seed: int, word: int) -> None:
    numbers = uniform(stream_of(seed, word), np.arange(4000, dtype=np.int64))
    assert 0 <= numbers.min() <= numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.03
    np.testing.assert_array_equal(numbers[100:200], uniform(stream_of(seed, word), np.arange(100, 200)))
    assert (numbers != uniform(stream_of(seed, word + 1), np.arange(4000, dtype=np.int64))).any()


def test_drift_is_smooth() -> None:
    drift = wander(stream_of(1, "x"), np.arange(0, 10 * HOUR, MINUTE, dtype=np.int64), HOUR)
    assert np.abs(drift).max() <= 1
    assert np.abs(np.diff(drift)).max() < 0.06
