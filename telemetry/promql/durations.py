"""Durations in text (`1h30m`) and duration arithmetic (`[5m + step()]`).

Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations
"""

import math
import re
from typing import Final

from telemetry.model.errors import InvalidInput
from telemetry.promql.ast import Duration, DurationNumber, DurationOp, DurationOperation
from telemetry.promql.errors import EvaluationError

_UNITS_MS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_DURATION: Final = re.compile(
    r"(?:(?P<y>\d+)y)?(?:(?P<w>\d+)w)?(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?(?:(?P<ms>\d+)ms)?",
    re.ASCII,
)
_PROBLEMS: Final = {DurationOp.DIV: "division by zero", DurationOp.MOD: "modulo by zero"}
_LARGEST_MS: Final = (2**63 - 1) // 1_000_000
"""Prometheus counts durations in nanoseconds in 64 bits: about 292 years."""


def parse_duration_ms(text: str) -> int:
    """Milliseconds of a duration such as `1h30m`, or of `0`. Raises InvalidInput."""
    if text == "0":
        return 0
    if not text:
        raise InvalidInput("empty duration string")
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InvalidInput(f"not a valid duration string: {text[:100]!r}")
    milliseconds = sum(int(count) * _UNITS_MS[unit] for unit, count in found.groupdict().items() if count)
    if milliseconds > _LARGEST_MS:
        raise InvalidInput("duration out of range")
    return milliseconds


def format_duration_ms(milliseconds: int) -> str:
    """Shortest text of a duration; years and weeks only where nothing remains, as Prometheus prints it."""
    if milliseconds == 0:
        return "0s"
    sign, rest, parts = "-" if milliseconds < 0 else "", abs(milliseconds), []
    for unit, size in _UNITS_MS.items():
        if unit in ("y", "w") and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return sign + "".join(parts)


def duration_ms(duration: Duration, *, step_ms: int, range_ms: int, negative: bool = False) -> int:
    """Value of a duration literal, or of duration arithmetic, which is truncated to milliseconds.

    `step_ms` and `range_ms` are what step() and range() stand for: the step of the query, and the time from its
    start to its end. Raises EvaluationError for a result that is out of range, or not positive unless `negative`.
    """
    seconds = _seconds(duration, step_ms / 1000, range_ms / 1000)
    if not negative and not seconds > 0:
        raise EvaluationError("duration must be greater than 0")
    if not abs(seconds) * 1000 <= _LARGEST_MS:
        raise EvaluationError("duration is out of range")
    return round(seconds * 1000) if isinstance(duration, DurationNumber) else int(seconds * 1000)


def _seconds(duration: Duration | None, step: float, span: float) -> float:
    match duration:
        case None:
            return 0.0
        case DurationNumber():
            return duration.seconds
        case DurationOperation(op=DurationOp.STEP):
            return step
        case DurationOperation(op=DurationOp.RANGE):
            return span
        case DurationOperation():
            return _apply(duration.op, _seconds(duration.lhs, step, span), _seconds(duration.rhs, step, span))


def _apply(op: DurationOp, lhs: float, rhs: float) -> float:
    try:
        match op:
            case DurationOp.ADD:
                return lhs + rhs
            case DurationOp.SUB:
                return lhs - rhs
            case DurationOp.MUL:
                return lhs * rhs
            case DurationOp.DIV:
                return lhs / rhs
            case DurationOp.MOD:
                return math.fmod(lhs, rhs)
            case DurationOp.POW:
                return math.pow(lhs, rhs)
            case DurationOp.MIN:
                return min(lhs, rhs)
            case _:
                return max(lhs, rhs)
    except (ZeroDivisionError, ValueError, OverflowError) as error:
        raise EvaluationError(_PROBLEMS.get(op, "duration is out of range")) from error
