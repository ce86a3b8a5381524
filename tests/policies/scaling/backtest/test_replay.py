"""Many plans at once give what the controller's own algorithm gives one plan and one step at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.scaling.backtest.plan import Kind, Plan
from policies.scaling.backtest.replay import replay
from policies.scaling.hpa.document import DEFAULT_DOWN, DEFAULT_UP, RatePolicy, Rules
from policies.scaling.hpa.normalization import Memory, normalize
from policies.scaling.hpa.pods import Pod
from policies.scaling.hpa.replicas import Tolerance, by_average, by_utilization, by_value, by_value_per_pod

STEP = 15
START_UP = 60
RATE_POLICIES = st.builds(
    RatePolicy, st.sampled_from(["Pods", "Percent"]), st.integers(1, 120), st.sampled_from([15, 20, 60, 90])
)
RULES = st.builds(
    Rules,
    st.sampled_from([0, 15, 40, 60, 300]),
    st.sampled_from(["Max", "Min", "Disabled"]),
    st.lists(RATE_POLICIES, min_size=1, max_size=3).map(tuple),
)
LOADS = st.lists(st.one_of(st.integers(0, 3000), st.just(float("nan"))), min_size=1, max_size=60)


def reference(plan: Plan, load: list[float], initial: int) -> list[int]:
    """The replay by the functions that follow the controller's source, one step after the other."""
    initial = min(max(initial, plan.minimum), plan.maximum)
    memory = Memory(recommendations=[(0.0, initial)])
    counts = [initial] * (START_UP // STEP + 1)
    for number, value in enumerate(load):
        now, current = float((number + 1) * STEP), counts[-1]
        ready = min(counts[-(START_UP // STEP + 1) :])
        counts.append(one_step(plan, value, current, ready, memory, now))
    return counts[START_UP // STEP + 1 :]


def one_step(plan: Plan, load: float, current: int, ready: int, memory: Memory, now: float) -> int:
    wanted = current if np.isnan(load) else asked(plan, load, current, ready)
    outcome = normalize(current, wanted, plan.minimum, plan.maximum, plan.up, plan.down, memory, now)
    memory.changed(now, current, outcome.replicas)
    return outcome.replicas


def asked(plan: Plan, load: float, current: int, ready: int) -> int:
    tolerance, milli = Tolerance(plan.tolerance_up, plan.tolerance_down), round(load * 1000)
    target = round(plan.target * 1000)
    pods = [
        Pod(f"p{n}", ready=n < ready, initializing=n >= ready, requests={"cpu": 1000}, phase="Running")
        for n in range(current)
    ]
    if plan.kind == "value_per_pod":
        return by_value_per_pod(current, milli, target, tolerance=tolerance)
    if plan.kind == "value":
        return by_value(current, pods, milli, target, tolerance=tolerance)
    if not ready:
        return current
    spread = {f"p{n}": milli // ready + (n < milli % ready) for n in range(ready)}
    if plan.kind == "pods":
        spread |= {f"p{n}": 0 for n in range(ready, current)}
        return by_average(current, pods, spread, target, resource="cpu", tolerance=tolerance)
    spread |= {f"p{n}": 0 for n in range(ready, current)}
    return by_utilization(current, pods, spread, int(plan.target), resource="cpu", tolerance=tolerance)


@st.composite
def plans(draw: st.DrawFn, kind: Kind, *, behavior: bool) -> Plan:
    low, high = sorted((draw(st.integers(1, 8)), draw(st.integers(1, 30))))
    target = draw(st.integers(10, 150))
    up, down = (draw(RULES), draw(RULES)) if behavior else (None, None)
    return Plan("a", kind, target, low, high, draw(st.sampled_from([0.0, 0.1, 0.3])), 0.1, up, down)


@pytest.mark.parametrize("behavior", [False, True])
@pytest.mark.parametrize("kind", ["utilization", "pods", "value", "value_per_pod"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_replay_decides_as_the_controller_does(kind: Kind, behavior: bool, data: st.DataObject) -> None:
    several = data.draw(st.lists(plans(kind, behavior=behavior), min_size=1, max_size=4))
    load = [float(value) / (10 if kind == "utilization" else 1) for value in data.draw(LOADS)]
    initial = data.draw(st.lists(st.integers(1, 30), min_size=len(several), max_size=len(several)))
    result = replay(
        several,
        np.array(load),
        None,
        step_seconds=STEP,
        start_up_seconds=START_UP,
        request=1.0,
        initial=np.array(initial, np.float64),
    )
    for number, plan in enumerate(several):
        assert result.replicas[:, number].tolist() == reference(plan, load, initial[number]), plan


def test_added_replicas_are_ready_after_the_start_up_delay() -> None:
    plan = Plan("a", "value_per_pod", 100.0, 1, 10, up=DEFAULT_UP, down=DEFAULT_DOWN)
    load = np.array([100.0, 500.0, 500.0, 500.0, 500.0, 500.0, 500.0])
    result = replay([plan], load, None, step_seconds=15, start_up_seconds=60, request=1.0, initial=np.array([1.0]))
    assert result.replicas[:, 0].tolist() == [1, 5, 5, 5, 5, 5, 5]
    assert result.ready[:, 0].tolist() == [1, 1, 1, 1, 1, 1, 5]
