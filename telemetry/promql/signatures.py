"""Every function: types of its arguments, how many it takes, what it returns.

Source: https://prometheus.io/docs/prometheus/latest/querying/functions/
"""

from dataclasses import dataclass
from typing import Final

from telemetry.promql.ast import ValueType

SCALAR, VECTOR, MATRIX, STRING = ValueType.SCALAR, ValueType.VECTOR, ValueType.MATRIX, ValueType.STRING
UNLIMITED: Final = -1


@dataclass(frozen=True, slots=True)
class Signature:
    """The last of `args` may be left out or repeated: up to `optional` in all, UNLIMITED for any number."""

    args: tuple[ValueType, ...]
    returns: ValueType = VECTOR
    optional: int = 0

    @property
    def least(self) -> int:
        return len(self.args) - (1 if self.optional else 0)

    @property
    def most(self) -> float:
        if self.optional == UNLIMITED:
            return float("inf")
        return self.least + self.optional if self.optional else len(self.args)

    def type_of(self, position: int) -> ValueType:
        """Type of the argument at `position`, counted from 0."""
        return self.args[min(position, len(self.args) - 1)]


def _table() -> dict[str, Signature]:
    table = dict.fromkeys(_OF_ONE_VECTOR, Signature((VECTOR,)))
    table |= dict.fromkeys(_OF_ONE_RANGE, Signature((MATRIX,)))
    table |= dict.fromkeys(_OF_TIME, Signature((VECTOR,), optional=1))
    return table | _OTHERS


_OF_ONE_VECTOR: Final = (
    "abs", "absent", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg", "exp", "floor",
    "histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar", "histogram_sum", "ln", "log10",
    "log2", "rad", "sgn", "sin", "sinh", "sort", "sort_desc", "sqrt", "tan", "tanh", "timestamp",
)  # fmt: skip
_OF_ONE_RANGE: Final = (
    "absent_over_time", "avg_over_time", "changes", "count_over_time", "delta", "deriv", "first_over_time", "idelta",
    "increase", "irate", "last_over_time", "mad_over_time", "max_over_time", "min_over_time", "present_over_time",
    "rate", "resets", "stddev_over_time", "stdvar_over_time", "sum_over_time", "ts_of_first_over_time",
    "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time",
)  # fmt: skip
_OF_TIME: Final = (
    "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year",
)  # fmt: skip
_OTHERS: Final = {
    "clamp": Signature((VECTOR, SCALAR, SCALAR)),
    "clamp_max": Signature((VECTOR, SCALAR)),
    "clamp_min": Signature((VECTOR, SCALAR)),
    "double_exponential_smoothing": Signature((MATRIX, SCALAR, SCALAR)),
    "end": Signature((), SCALAR),
    "histogram_fraction": Signature((SCALAR, SCALAR, VECTOR)),
    "histogram_quantile": Signature((SCALAR, VECTOR)),
    "histogram_quantiles": Signature((VECTOR, STRING, SCALAR, SCALAR), optional=9),
    "info": Signature((VECTOR, VECTOR), optional=1),
    "label_join": Signature((VECTOR, STRING, STRING, STRING), optional=UNLIMITED),
    "label_replace": Signature((VECTOR, STRING, STRING, STRING, STRING)),
    "pi": Signature((), SCALAR),
    "predict_linear": Signature((MATRIX, SCALAR)),
    "quantile_over_time": Signature((SCALAR, MATRIX)),
    "range": Signature((), SCALAR),
    "round": Signature((VECTOR, SCALAR), optional=1),
    "scalar": Signature((VECTOR,), SCALAR),
    "sort_by_label": Signature((VECTOR, STRING), optional=UNLIMITED),
    "sort_by_label_desc": Signature((VECTOR, STRING), optional=UNLIMITED),
    "start": Signature((), SCALAR),
    "step": Signature((), SCALAR),
    "time": Signature((), SCALAR),
    "vector": Signature((SCALAR,)),
}

SIGNATURES: Final = _table()
