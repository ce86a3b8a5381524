"""Answers a question: reads what was recorded, replays, scores, and says what was assumed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import numpy as np

from dashboard.backtests.question import BadQuestion, Question
from dashboard.panels.recorded_workload import Recorded, queried
from dashboard.panels.signal_values import Floats
from dashboard.panels.workloads import Workload
from policies.scaling.backtest.capacity import PerReplica
from policies.scaling.backtest.documents import Read, as_autoscaler, as_yaml, changed, read_policies
from policies.scaling.backtest.learned import learn_capacity
from policies.scaling.backtest.load import Load
from policies.scaling.backtest.plan import Plan
from policies.scaling.backtest.ran import agreement_ratio, score_of_recorded
from policies.scaling.backtest.run import Result, Setting, backtest
from policies.scaling.backtest.score import Score, front
from policies.scaling.backtest.search import candidates
from telemetry.model.time import TimeGrid
from telemetry.store import TelemetryStore

RECORDED_NAME: Final = "as recorded"
"""Name of the policy that the autoscaler's own metrics describe."""
POINTS: Final = 400
"""Of a row of counts that is kept for the figure."""
MOST_DRAWN: Final = 8

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class _Model:
    """The service as the replay knows it."""

    setting: Setting
    assumptions: list[str]
    minutes_behind: int | None


def answer(
    question: Question, store: TelemetryStore, progress: Progress = lambda ratio, message: None
) -> dict[str, Any]:
    """The result as JSON. Raises BadQuestion, and what reading the store raises."""
    grid = TimeGrid(question.start_ms, question.end_ms, question.step_seconds * 1000)
    recorded = Recorded(store, Workload(question.service, question.environment), grid)
    progress(0.05, "reading the load")
    load = load_of(question, store, recorded)
    progress(0.3, "reading replicas and latency")
    reads = policies_of(question, recorded)
    model = _model(question, reads[0].plan, recorded, load)
    load = replace(load, values=load.values * question.factor)
    plans = plans_of(question, reads)
    progress(0.5, f"replaying {len(plans)} policies over {load.values.size:,} steps")
    results = backtest(plans, load, model.setting)
    return _report(question, recorded, load, reads, results, model)


def load_of(question: Question, store: TelemetryStore, recorded: Recorded) -> Load:
    """The load on the grid. Raises BadQuestion where nothing is recorded."""
    if question.load == "query":
        values, name = queried(store, question.query, recorded.grid), question.query
    else:
        found, name = recorded.values(question.load), {"requests": "requests/s", "cpu": "CPU cores"}[question.load]
        values = np.full(len(recorded.grid), np.nan) if found is None else found
    if not np.isfinite(values).any():
        where = f"{question.service} in {question.environment or 'no environment'}"
        raise BadQuestion(f"no load ({name}) is recorded for {where} in this range")
    if np.nanmin(values) < 0:
        raise BadQuestion(f"the load falls to {np.nanmin(values):g}; expected values that are not negative")
    values = np.where(np.isfinite(values), values, np.nan)
    return Load(question.start_ms / 1000, question.step_seconds, values, name, ())


def policies_of(question: Question, recorded: Recorded) -> list[Read]:
    """The policies of the question and, if wanted and known, the recorded one. Raises BadQuestion for none."""
    reads = [read for name, text in question.policies for read in read_policies(text, name)]
    named: dict[str, int] = {}
    for place, read in enumerate(reads):
        named[read.plan.name] = named.get(read.plan.name, 0) + 1
        if named[read.plan.name] > 1:
            name = f"{read.plan.name} ({named[read.plan.name]})"
            reads[place] = replace(read, plan=replace(read.plan, name=name))
    ran = recorded_policy(recorded, question.service) if question.recorded else None
    if ran is not None:
        reads.insert(0, ran)
    if not reads:
        raise BadQuestion(
            "no autoscaler's limits and target are recorded (kube_horizontalpodautoscaler_spec_*); give a policy"
        )
    return reads


def recorded_policy(recorded: Recorded, workload: str) -> Read | None:
    """The autoscaler that ran, by its own metrics at the end of the range; None where they do not tell."""
    minimum, maximum, target = (recorded.newest(name) for name in ("minimum", "maximum", "cpu_target"))
    if minimum is None or maximum is None or target is None:
        return None
    plan = Plan(workload, "utilization", round(target * 100), max(1, round(minimum)), max(1, round(maximum)))
    read = read_policies(as_yaml(as_autoscaler(plan, workload)), RECORDED_NAME)[0]
    note = f"{RECORDED_NAME}: limits and target by the autoscaler's own metrics, which do not tell its behavior"
    return replace(read, plan=replace(read.plan, name=RECORDED_NAME), notes=(*read.notes, note))


def plans_of(question: Question, reads: Sequence[Read]) -> list[Plan]:
    """The policies, each followed by its candidates."""
    if not question.search:
        return [read.plan for read in reads]
    return [plan for read in reads for plan in candidates(read.plan, question.search)]


def _model(question: Question, first: Plan, recorded: Recorded, load: Load) -> _Model:
    assumptions: list[str] = []
    minutes = None
    if question.capacity is not None:
        capacity = PerReplica(question.capacity)
        assumptions.append(capacity.sentence)
    else:
        stride = max(1, 60 // question.step_seconds)
        ready, latency = recorded.known("ready")[::stride], recorded.known("latency")[::stride]
        learned = learn_capacity(load.values[::stride], ready, latency, question.objective_seconds)
        capacity, minutes = PerReplica(learned.per_replica), learned.held_minutes
        assumptions.append(learned.sentence)
    if question.factor != 1:
        assumptions.append(
            f"the load is {question.factor:g} times what was recorded; what really ran did not grow with it"
        )
    assumptions.append(f"a new replica is ready after {question.start_up_seconds} s")
    request = _request(question, recorded, load, capacity, assumptions if first.kind == "utilization" else [])
    initial = recorded.known("desired")
    known = initial[np.isfinite(initial)]
    setting = Setting(
        capacity, request, question.start_up_seconds, Decimal(question.price), int(known[0]) if known.size else None
    )
    return _Model(setting, assumptions, minutes)


def _request(question: Question, recorded: Recorded, load: Load, capacity: PerReplica, assumptions: list[str]) -> float:
    """Load at which a replica is at 100 % of its CPU request."""
    requested = recorded.known("cpu_request") / recorded.known("desired")
    cores = float(np.nanmedian(requested)) if np.isfinite(requested).any() else None
    if cores and question.load == "cpu":
        assumptions.append(f"a replica requests {cores:.4g} CPU cores, by the cluster's metrics")
        return cores
    if cores:
        with np.errstate(all="ignore"):
            each = recorded.known("cpu") / load.values
        each = each[np.isfinite(each) & (each > 0)]
        if each.size:
            per_load = float(np.median(each))
            assumptions.append(
                f"a replica is at 100 % utilization with a load of {cores / per_load:.4g}: it requests {cores:.4g} "
                f"cores, and a load of 1 uses {per_load:.4g}"
            )
            return cores / per_load
    assumptions.append(f"a replica is taken to be at 100 % utilization with its capacity, {capacity.load:.4g}")
    return capacity.load


def _report(
    question: Question, recorded: Recorded, load: Load, reads: Sequence[Read], results: Sequence[Result], model: _Model
) -> dict[str, Any]:
    best = front([result.score for result in results])
    own = {read.plan.name for read in reads}
    desired = recorded.known("desired")
    drawn = {result.plan.name for result in results if result.plan.name in own} | {
        results[number].plan.name for number in best
    }
    kept = [result.plan.name for result in results if result.plan.name in drawn][: MOST_DRAWN + len(own)]
    ran = _ran(question, recorded, load, model)
    return {
        "load": {
            "name": load.column,
            "step_seconds": load.step_seconds,
            "steps": int(load.values.size),
            "unknown_minutes": load.unknown_minutes,
            "values": _thinned(load.values),
        },
        "capacity_per_replica": model.setting.capacity.carried(1),
        "minutes_behind_capacity": model.minutes_behind,
        "currency": question.currency,
        "assumptions": [*model.assumptions, *(note for read in reads for note in read.notes)],
        "ran": None if ran is None else ran.as_dict(),
        "ran_replicas": _thinned(desired),
        "results": [_described(result, own, desired, comparable=question.factor == 1) for result in results],
        "pareto": [results[number].plan.name for number in best],
        "replicas": {
            result.plan.name: _thinned(result.replicas.astype(np.float64))
            for result in results
            if result.plan.name in kept
        },
    }


def _described(result: Result, own: set[str], desired: Floats, *, comparable: bool) -> dict[str, Any]:
    plan = result.plan
    return {
        "policy": plan.name,
        "minimum": plan.minimum,
        "maximum": plan.maximum,
        "target": plan.target,
        "scale_down_stabilization_seconds": plan.down.stabilization_seconds if plan.down else 300,
        "own": plan.name in own,
        "agreement_ratio": agreement_ratio(result.replicas, desired) if comparable and plan.name in own else None,
        **result.score.as_dict(),
    }


def _ran(question: Question, recorded: Recorded, load: Load, model: _Model) -> Score | None:
    desired, ready, maximum = recorded.known("desired"), recorded.known("ready"), recorded.newest("maximum")
    if not np.isfinite(desired).any() or not np.isfinite(ready).any():
        return None
    most = None if maximum is None else round(maximum)
    return score_of_recorded(load, desired, ready, model.setting.capacity, Decimal(question.price), most)


def _thinned(values: Floats) -> list[float | None]:
    """At most POINTS of the values, every so many steps."""
    stride = max(1, -(-values.size // POINTS))
    return [float(f"{one:.6g}") if np.isfinite(one) else None for one in values[::stride].tolist()]


def document_of(question: Question, store: TelemetryStore, name: str) -> str:
    """YAML of the policy or candidate called `name`. Raises BadQuestion if nothing is called so."""
    grid = TimeGrid(question.start_ms, question.end_ms, question.step_seconds * 1000)
    recorded = Recorded(store, Workload(question.service, question.environment), grid)
    for read in policies_of(question, recorded):
        if name == read.plan.name or name.startswith(f"{read.plan.name}: "):
            for plan in candidates(read.plan, question.search or 1):
                if plan.name == name:
                    return as_yaml(changed(read.policy, plan))
    raise BadQuestion(f"nothing is called {name!r} in this back-test")
