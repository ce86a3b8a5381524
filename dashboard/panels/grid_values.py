"""Rates and newest values of series on a grid: computed here for few samples, in the engine for many."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.samples import RawColumns, SeriesSet, is_stale
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.promql.kernels.rates import rate
from telemetry.promql.selection import without_stale
from telemetry.promql.windows import samples_until, windows_of
from telemetry.store import GridFunction, TelemetryStore

Floats = NDArray[np.float64]

FEW_SAMPLES: Final = 2_000_000
"""Up to here reading the samples and numpy take a fifth of the time of the engine, which merges parts as it reads."""

DENSEST_MS: Final = 10_000
"""Scrape interval that the number of samples is estimated with."""


def values_on_grid(
    store: TelemetryStore, series: SeriesSet, function: GridFunction, grid: TimeGrid, window_ms: int
) -> Floats:
    """float64[N, T] of RATE or LAST over (t - window, t], NaN where absent: as PromQL's rate and instant vectors."""
    within = TimeRange(grid.start_ms - window_ms, grid.end_ms)
    samples = len(series.ids) * (within.end_ms - within.start_ms) / DENSEST_MS
    if function not in (GridFunction.RATE, GridFunction.LAST) or samples > FEW_SAMPLES:
        frame = store.grid(series, function, grid, window_ms)
        return np.where(frame.present, frame.values, np.nan)
    columns = store.read_samples(series, within)
    return _rates(columns, grid, window_ms) if function is GridFunction.RATE else _newest(columns, grid, window_ms)


def _rates(columns: RawColumns, grid: TimeGrid, window_ms: int) -> Floats:
    times = grid.times_ms()
    with np.errstate(all="ignore"):
        values, present = rate(windows_of(without_stale(columns), times, times, window_ms))
    shape = (len(columns.offsets) - 1, len(times))
    return np.where(present, values, np.nan).reshape(shape)


def _newest(columns: RawColumns, grid: TimeGrid, window_ms: int) -> Floats:
    """A staleness marker as the newest sample makes the point absent."""
    times = grid.times_ms()
    until, since = samples_until(columns, times), samples_until(columns, times - window_ms)
    if not len(columns.values):
        return np.full(until.shape, np.nan)
    newest = columns.values[np.maximum(until - 1, 0)]
    return np.where((until > since) & ~is_stale(newest), newest, np.nan)
