"""Functions that count samples, or pick the first or last one."""

from collections.abc import Callable

import numpy as np

from telemetry.promql.values import Floats, Mask
from telemetry.promql.windows import Windows


def count_over_time(windows: Windows) -> tuple[Floats, Mask]:
    counts = windows.counts
    return counts.astype(np.float64), counts > 0


def present_over_time(windows: Windows) -> tuple[Floats, Mask]:
    present = windows.counts > 0
    return np.ones(len(present)), present


def last_over_time(windows: Windows) -> tuple[Floats, Mask]:
    return _pick(windows.values, windows, last=True)


def first_over_time(windows: Windows) -> tuple[Floats, Mask]:
    return _pick(windows.values, windows, last=False)


def ts_of_last_over_time(windows: Windows) -> tuple[Floats, Mask]:
    return _pick(windows.timestamps_ms / 1000, windows, last=True)


def ts_of_first_over_time(windows: Windows) -> tuple[Floats, Mask]:
    return _pick(windows.timestamps_ms / 1000, windows, last=False)


def changes(windows: Windows) -> tuple[Floats, Mask]:
    """How often a value differs from the one before; NaN after NaN is no change."""
    return _count_steps(windows, lambda before, after: (after != before) & ~(np.isnan(after) & np.isnan(before)))


def resets(windows: Windows) -> tuple[Floats, Mask]:
    """How often a value is smaller than the one before."""
    return _count_steps(windows, lambda before, after: after < before)


def _pick(column: Floats, windows: Windows, *, last: bool) -> tuple[Floats, Mask]:
    present = windows.counts > 0
    picked = np.full(len(present), np.nan)
    picked[present] = column[windows.end[present] - 1 if last else windows.first[present]]
    return picked, present


def _count_steps(windows: Windows, is_step: Callable[[Floats, Floats], Mask]) -> tuple[Floats, Mask]:
    """Number of neighbouring samples in each window for which `is_step(before, after)`."""
    present = windows.counts > 0
    steps = is_step(windows.values[:-1], windows.values[1:])
    running = np.concatenate([[0, 0], np.cumsum(steps)])  # running[i]: steps that end before sample i
    counted = np.zeros(len(present))
    counted[present] = running[windows.end[present]] - running[windows.first[present] + 1]
    return counted, present
