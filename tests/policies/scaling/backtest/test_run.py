"""Scores, floors and the search."""

from decimal import Decimal

import numpy as np

from policies.scaling.backtest.capacity import PerReplica
from policies.scaling.backtest.floors import active, forecast_load
from policies.scaling.backtest.load import Load
from policies.scaling.backtest.plan import Plan, Zero
from policies.scaling.backtest.run import Setting, backtest
from policies.scaling.backtest.score import front
from policies.scaling.backtest.search import candidates
from policies.scaling.cron import read_cron
from policies.scaling.hpa.document import DEFAULT_DOWN, DEFAULT_UP
from policies.scaling.own_document import Forecast, Scheduled

SETTING = Setting(PerReplica(10.0), 10.0, 0, Decimal("0.1"))


def load_of(*values: float, step_seconds: int = 60, start: float = 0.0) -> Load:
    return Load(start, step_seconds, np.array(values, np.float64), "load", ())


def test_violations_hours_and_money_are_counted_to_the_step() -> None:
    plan = Plan("a", "value_per_pod", 10.0, 1, 3, up=DEFAULT_UP, down=DEFAULT_DOWN)
    score = backtest([plan], load_of(10, 40, 40, 40), SETTING)[0].score
    assert score.slo_violation_minutes == 3
    assert (score.replica_hours, score.cost) == ((1 + 3 + 3 + 3) / 60, Decimal("0.0167"))
    assert (score.changes, score.cold_starts, score.minutes_at_maximum) == (1, 2, 3)
    assert score.unserved_ratio == (30 + 10 + 10) / 130


def test_unknown_load_changes_nothing_and_violates_nothing() -> None:
    plan = Plan("a", "value_per_pod", 10.0, 1, 9)
    result = backtest([plan], load_of(30, float("nan"), float("nan"), 30), SETTING)[0]
    assert result.replicas.tolist() == [3, 3, 3, 3]
    assert (result.score.slo_violation_minutes, result.score.unknown_minutes) == (0, 2)


def test_a_service_without_load_goes_to_zero_after_its_cooldown_and_wakes_at_once() -> None:
    plan = Plan("a", "value_per_pod", 10.0, 1, 9, up=DEFAULT_UP, down=DEFAULT_DOWN, zero=Zero(0.0, 120))
    result = backtest([plan], load_of(10, 0, 0, 0, 0, 10, 10), SETTING)[0]
    assert result.replicas.tolist() == [1, 1, 1, 0, 0, 1, 1]


def test_results_of_several_kinds_keep_the_order_of_their_plans() -> None:
    plans = [
        Plan("a", "utilization", 50, 1, 9),
        Plan("b", "value_per_pod", 10.0, 2, 9, up=DEFAULT_UP, down=DEFAULT_DOWN),
        Plan("c", "utilization", 100, 1, 9),
    ]
    results = backtest(plans, load_of(20, 20, 20), SETTING)
    assert [(result.plan.name, int(result.replicas[-1])) for result in results] == [("a", 4), ("b", 2), ("c", 2)]


def test_a_schedule_holds_from_its_start_to_its_end_in_its_own_time_zone() -> None:
    line = Scheduled(read_cron("0 8 * * 1-5"), read_cron("0 18 * * 1-5"), "Europe/Berlin", 5)
    monday = 1767571200.0  # 2026-01-05 00:00 UTC, 01:00 in Berlin
    on = active(line, monday + np.arange(48) * 3600.0)
    assert np.flatnonzero(on).tolist() == [*range(7, 17), *range(31, 41)]


def test_a_forecast_uses_nothing_younger_than_the_step_itself() -> None:
    values = np.arange(20.0)
    expected = forecast_load(Forecast(period_seconds=300, look_ahead_seconds=120, quantile=1.0), load_of(*values))
    assert np.isnan(expected[:3]).all()
    assert expected[3:].tolist() == [float(n - 3) for n in range(3, 20)]
    assert (expected[3:] <= values[3:]).all()


def test_the_front_holds_what_nothing_else_beats() -> None:
    plan = Plan("a", "value_per_pod", 10.0, 1, 9, up=DEFAULT_UP, down=DEFAULT_DOWN)
    load = load_of(*(50 + 40 * np.sin(np.arange(300) / 10)))
    results = [result.score for result in backtest(candidates(plan, 60), load, SETTING)]
    chosen = front(results)
    for number, score in enumerate(results):
        beaten = any(
            (results[other].cost <= score.cost and results[other].slo_violation_minutes < score.slo_violation_minutes)
            or (
                results[other].cost < score.cost and results[other].slo_violation_minutes <= score.slo_violation_minutes
            )
            for other in range(len(results))
        )
        assert (number in chosen) <= (not beaten)
    assert chosen


def test_the_search_starts_with_the_policy_itself() -> None:
    plan = Plan("a", "utilization", 60, 2, 9)
    found = candidates(plan, 50)
    assert found[0] == plan
    assert len(found) == len(set(found)) == 50
    assert all(candidate.minimum <= candidate.maximum for candidate in found)
