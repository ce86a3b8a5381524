"""deriv, predict_linear (least squares) and double exponential smoothing."""

import numpy as np

from telemetry.promql.errors import EvaluationError
from telemetry.promql.kernels.compensated import add
from telemetry.promql.values import Floats, Indices, Mask
from telemetry.promql.windows import Rounds, Windows


def deriv(windows: Windows) -> tuple[Floats, Mask]:
    present = windows.counts >= 2
    origin = np.zeros(len(present), dtype=np.int64)
    origin[present] = windows.timestamps_ms[windows.first[present]]
    slope, _ = _regression(windows, origin)
    return slope, present


def predict_linear(windows: Windows, seconds: Floats) -> tuple[Floats, Mask]:
    """Value that the line through the samples has `seconds` after the evaluation time."""
    slope, intercept = _regression(windows, windows.times_ms)
    return slope * seconds + intercept, windows.counts >= 2


def _regression(windows: Windows, origin_ms: Indices) -> tuple[Floats, Floats]:
    """(slope per second, value at `origin_ms`) of the least-squares line; a constant has slope 0 exactly."""
    rounds = Rounds(windows)
    size = len(rounds.order)
    origin = origin_ms[rounds.order]
    initial, constant = np.zeros(size), np.ones(size, dtype=np.bool_)
    sums, errors = np.zeros((4, size)), np.zeros((4, size))
    for turn, number, samples in rounds:
        y = windows.values[samples]
        if turn == 0:
            initial[:number] = y
        else:
            constant[:number] &= y == initial[:number]
        x = (windows.timestamps_ms[samples] - origin[:number]) / 1e3
        for row, term in enumerate((x, y, x * y, x * x)):
            add(term, sums[row, :number], errors[row, :number])
    slope, intercept = _line(sums + errors, rounds.counts.astype(np.float64))
    flat = np.isinf(initial)
    slope = np.where(constant, np.where(flat, np.nan, 0.0), slope)
    intercept = np.where(constant, np.where(flat, np.nan, initial), intercept)
    return rounds.restore(slope), rounds.restore(intercept)


def _line(sums: Floats, n: Floats) -> tuple[Floats, Floats]:
    sum_x, sum_y, sum_xy, sum_x2 = sums
    covariance = sum_xy - sum_x * sum_y / n
    variance = sum_x2 - sum_x * sum_x / n
    slope = covariance / variance
    return slope, sum_y / n - slope * sum_x / n


def double_exponential_smoothing(windows: Windows, smoothing: Floats, trend: Floats) -> tuple[Floats, Mask]:
    """Raises EvaluationError if a factor is not between 0 and 1."""
    filled = windows.counts > 0
    _require_factor(smoothing[filled], "smoothing")
    _require_factor(trend[filled], "trend")
    rounds = Rounds(windows)
    size = len(rounds.order)
    smoothing, trend = smoothing[rounds.order], trend[rounds.order]
    before, level, slope = np.zeros(size), np.zeros(size), np.zeros(size)
    for turn, number, samples in rounds:
        value = windows.values[samples]
        if turn == 0:
            level[:number] = value
            continue
        share, pull = smoothing[:number], trend[:number]
        if turn == 1:
            slope[:number] = value - level[:number]
        else:
            slope[:number] = pull * (level[:number] - before[:number]) + (1 - pull) * slope[:number]
        smoothed = share * value + (1 - share) * (level[:number] + slope[:number])
        before[:number], level[:number] = level[:number].copy(), smoothed
    return rounds.restore(level), windows.counts >= 2


def _require_factor(factor: Floats, name: str) -> None:
    wrong = factor[(factor <= 0) | (factor >= 1)]
    if len(wrong):
        letter = f"{name[0]}f"
        raise EvaluationError(f"invalid {name} factor. Expected: 0 < {letter} < 1, got: {wrong[0]:f}")
