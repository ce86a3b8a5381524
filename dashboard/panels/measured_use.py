"""What services used, by day: from the metrics that processes, containers and exporters report.

Counters are taken as their increase over the day. Gauges are summed over a grid of steps, each value counting for
the step it ends; where a series has no current sample it counts for nothing, so a replica that ran for two hours is
charged for two.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.panels.golden_signals import CPU, LAST, MEMORY, RATE, REPLICAS, REQUESTS, Source
from dashboard.panels.signal_values import Floats
from dashboard.panels.workloads import Workload, by_workload, read_rows
from policies.costs.measured import Usage
from policies.costs.prices import HOURS_OF_A_MONTH
from policies.costs.spread import first_second
from telemetry.model.time import TimeGrid
from telemetry.store import GridFunction, TelemetryStore

_GIB: Final = 1 / 2**30
_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_LOOKBACK_MS: Final = 300_000
_MOST_STEPS: Final = 4_000
_STEPS_MS: Final = tuple(minutes * 60_000 for minutes in (1, 5, 10, 15, 30, 60))
_PLACE: Final = Decimal("1e-9")

MOST_DAYS: Final = 92
"""Days that one question may cover: each costs a read of every CPU and memory series."""

STORED: Final = (
    Source("kubelet_volume_stats_used_bytes", LAST),
    Source("container_fs_usage_bytes", LAST),
    Source("belvedere_data_bytes", LAST),
)


@dataclass(frozen=True, slots=True)
class Meter:
    """How a unit of the price sheet is measured."""

    unit: str
    sources: tuple[Source, ...]
    factor: float
    """From the metric's second (counters) or value times hour (gauges) to the unit."""
    counter: bool = False


METERS: Final = (
    Meter("vcpu_hour", CPU.sources, 1 / 3600, counter=True),
    Meter("gib_hour", MEMORY.sources, _GIB),
    Meter("gib_month_stored", STORED, _GIB / HOURS_OF_A_MONTH),
    Meter("replica_hour", REPLICAS.sources, 1.0),
)


SENT: Final = (
    Source("container_network_transmit_bytes_total", RATE),
    Source("http_response_size_bytes_sum", RATE),
    Source("node_network_transmit_bytes_total", RATE),
)

WEIGHT_METERS: Final = {
    "cpu": METERS[0],
    "memory": METERS[1],
    "requests": Meter("request", REQUESTS.sources, 1.0, counter=True),
    "bytes": Meter("byte_sent", SENT, 1.0, counter=True),
}
"""Measures that shared cost is divided by."""


def used_by_service(store: TelemetryStore, measure: str, days: Sequence[date], now_ms: int) -> dict[str, Decimal]:
    """Use of a word of WEIGHT_METERS by service over `days` (consecutive, ascending), up to `now_ms`."""
    begun = [day for day in days if first_second(day) * 1000 < now_ms]
    sums: dict[str, Decimal] = {}
    for use in _metered(store, WEIGHT_METERS[measure], begun, now_ms) if begun else ():
        sums[use.service] = sums.get(use.service, Decimal(0)) + use.quantity
    return sums


def used_by_day(
    store: TelemetryStore, measure: str, days: Sequence[date], now_ms: int
) -> dict[str, dict[date, Decimal]]:
    """As `used_by_service`, each service's use by UTC day; days without a measurement are left out."""
    begun = [day for day in days if first_second(day) * 1000 < now_ms]
    found: dict[str, dict[date, Decimal]] = {}
    for use in _metered(store, WEIGHT_METERS[measure], begun, now_ms) if begun else ():
        by_day = found.setdefault(use.service, {})
        by_day[use.day] = by_day.get(use.day, Decimal(0)) + use.quantity
    return found


def measured_use(store: TelemetryStore, days: Sequence[date], units: frozenset[str], now_ms: int) -> list[Usage]:
    """Use of `units` by service, environment and UTC day of `days` (consecutive, ascending), up to `now_ms`.

    Raises what the store raises.
    """
    begun = [day for day in days if first_second(day) * 1000 < now_ms]
    if not begun:
        return []
    return [use for meter in METERS if meter.unit in units for use in _metered(store, meter, begun, now_ms)]


def _metered(store: TelemetryStore, meter: Meter, days: Sequence[date], now_ms: int) -> Iterator[Usage]:
    read = _increases if meter.counter else _integrals
    for workload, by_day in read(store, meter.sources, days, now_ms).items():
        for day, quantity in by_day.items():
            yield Usage(workload.service, workload.environment, day, meter.unit, _exact(quantity * meter.factor))


def _exact(quantity: float) -> Decimal:
    return Decimal(repr(quantity)).quantize(_PLACE)


ByDay = Mapping[Workload, dict[date, float]]


def _increases(store: TelemetryStore, sources: Sequence[Source], days: Sequence[date], now_ms: int) -> ByDay:
    """Seconds counted on each day; the day that is not over counts up to now."""
    counters = [replace(source, function=GridFunction.INCREASE) for source in sources]
    found: dict[Workload, dict[date, float]] = {}
    for grid, window_ms in _day_grids(days, now_ms):
        rows = read_rows(store, counters, grid, window_ms)
        for workload, values in by_workload(counters, rows, len(grid)).items():
            for end_ms, value in zip(grid.times_ms().tolist(), values.tolist(), strict=True):
                if np.isfinite(value):
                    found.setdefault(workload, {})[_day_of(end_ms - 1)] = value
    return found


def _day_grids(days: Sequence[date], now_ms: int) -> Iterator[tuple[TimeGrid, int]]:
    """(grid, window) of the days that are over, then of the one that is not."""
    over = [day for day in days if _end_ms(day) <= now_ms]
    if over:
        yield TimeGrid(_end_ms(over[0]), _end_ms(over[-1]), _DAY_MS), _DAY_MS
    if len(over) < len(days):
        midnight_ms = first_second(days[len(over)]) * 1000
        yield TimeGrid(now_ms, now_ms, 1000), now_ms - midnight_ms


def _integrals(store: TelemetryStore, sources: Sequence[Source], days: Sequence[date], now_ms: int) -> ByDay:
    """Sum of value times hours on each day."""
    grid = _step_grid(first_second(days[0]) * 1000, min(_end_ms(days[-1]), now_ms))
    rows = read_rows(store, sources, grid, max(_LOOKBACK_MS, grid.step_ms))
    day_numbers = (grid.times_ms() - 1) // _DAY_MS
    hours = grid.step_ms / _HOUR_MS
    return {
        workload: _sums_by_day(values, day_numbers, hours)
        for workload, values in by_workload(sources, rows, len(grid)).items()
    }


def _step_grid(start_ms: int, end_ms: int) -> TimeGrid:
    """Ends of steps in (start, end]; steps divide the day evenly, and there are at most _MOST_STEPS."""
    step_ms = next((step for step in _STEPS_MS if (end_ms - start_ms) / step <= _MOST_STEPS), _STEPS_MS[-1])
    first = min(start_ms + step_ms, end_ms)
    return TimeGrid(first, end_ms, step_ms)


def _sums_by_day(values: Floats, day_numbers: NDArray[np.int64], hours: float) -> dict[date, float]:
    known = np.isfinite(values)
    return {
        _day_of(int(number) * _DAY_MS): float(values[known & (day_numbers == number)].sum()) * hours
        for number in np.unique(day_numbers[known])
    }


def _end_ms(day: date) -> int:
    return first_second(day + timedelta(days=1)) * 1000


def _day_of(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()
