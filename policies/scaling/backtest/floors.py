"""Least replica counts that do not depend on the present load: schedules and forecasts."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from policies.scaling.backtest.load import Load
from policies.scaling.backtest.plan import Plan
from policies.scaling.own_document import Forecast, Scheduled

_SEEK_DAYS: Final = 40
"""How far before the recording the newest start or end of a schedule is looked for."""


def floors(plans: Sequence[Plan], load: Load) -> NDArray[np.int16] | None:
    """int16[steps, plans], or None where no plan has any."""
    if not any(plan.schedule or plan.forecast for plan in plans):
        return None
    return np.stack([_floor(plan, load) for plan in plans], axis=1)


def _floor(plan: Plan, load: Load) -> NDArray[np.int16]:
    floor = np.zeros(load.values.size)
    for scheduled in plan.schedule:
        floor = np.maximum(floor, np.where(active(scheduled, load.seconds), scheduled.replicas, 0))
    if plan.forecast:
        expected = forecast_load(plan.forecast, load)
        floor = np.maximum(floor, np.nan_to_num(np.ceil(expected / plan.target), nan=0.0))
    return np.minimum(floor, plan.maximum).astype(np.int16)


def active(scheduled: Scheduled, seconds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a time lies between a start and the next end of the schedule."""
    zone = ZoneInfo(scheduled.timezone)
    first = datetime.fromtimestamp(math.floor(seconds[0] / 60) * 60, UTC) - timedelta(days=_SEEK_DAYS)
    minutes = int((seconds[-1] - first.timestamp()) // 60) + 1
    state, on = False, np.zeros(minutes, bool)
    for number in range(minutes):
        local = (first + timedelta(minutes=number)).astimezone(zone)
        if scheduled.start.names(local):
            state = True
        elif scheduled.end.names(local):
            state = False
        on[number] = state
    chosen: NDArray[np.bool_] = on[((seconds - first.timestamp()) // 60).astype(np.int64)]
    return chosen


def forecast_load(forecast: Forecast, load: Load) -> NDArray[np.float64]:
    """The quantile of what the load was, whole periods before the time that is looked ahead to; NaN without history.

    Nothing younger than the step itself is used.
    """
    ahead, period = (round(s / load.step_seconds) for s in (forecast.look_ahead_seconds, forecast.period_seconds))
    period = max(period, 1)
    first = -(-ahead // period)
    seasons = [_earlier(load.values, count * period - ahead) for count in range(max(first, 1), first + 5)]
    known = ~np.isnan(np.stack(seasons)).all(axis=0)
    expected = np.full(load.values.size, np.nan)
    expected[known] = np.nanquantile(np.stack(seasons)[:, known], forecast.quantile, axis=0)
    return expected


def _earlier(values: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    moved = np.full(values.size, np.nan)
    if steps < values.size:
        moved[steps:] = values[: values.size - steps]
    return moved
