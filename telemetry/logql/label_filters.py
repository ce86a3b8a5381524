"""Label filters as functions over entries. A value that cannot be converted is an error, and the line goes on."""

import operator
from collections.abc import Callable
from typing import Any, Final

from telemetry.logql.addresses import address_test
from telemetry.logql.ast import BytesFilter, DurationFilter, Filter, FilterPair, IpFilter, NumberFilter, TextFilter
from telemetry.logql.conversions import parse_bytes, parse_float, parse_go_duration_ns
from telemetry.logql.entry import Entry

FILTER_ERROR: Final = "LabelFilterErr"
COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip

Test = Callable[[Entry], bool]


def compile_filter(condition: Filter) -> Test:
    """Whether a line goes on. Raises ValueError for an address that is none."""
    match condition:
        case TextFilter():
            name, matches = condition.matcher.name, condition.matcher.matches
            return lambda entry: matches(entry.text(name))
        case NumberFilter():
            return _compared(condition.label, condition.op, condition.value, parse_float)
        case DurationFilter():
            return _compared(condition.label, condition.op, condition.value_ns, parse_go_duration_ns)
        case BytesFilter():
            return _compared(condition.label, condition.op, condition.value_bytes, parse_bytes)
        case IpFilter():
            return _address(condition)
        case FilterPair():
            return _pair(condition)


def _compared(label: str, op: str, wanted: float, convert: Callable[[str], float]) -> Test:
    holds = COMPARE[op]

    def test(entry: Entry) -> bool:
        text = entry.get(label)
        if text is None:
            return False
        try:
            value = convert(text)
        except ValueError as error:
            if not entry.error:
                entry.fail(FILTER_ERROR, str(error))
            return True
        return holds(value, wanted)

    return test


def _address(condition: IpFilter) -> Test:
    holds, wanted = address_test(condition.pattern), condition.op == "=" or condition.op == "=="

    def test(entry: Entry) -> bool:
        if entry.error:
            return True
        text = entry.get(condition.label)
        return text is not None and holds(text) is wanted

    return test


def _pair(condition: FilterPair) -> Test:
    first, second = compile_filter(condition.lhs), compile_filter(condition.rhs)
    if not condition.both:
        return lambda entry: first(entry) or second(entry)

    def both(entry: Entry) -> bool:
        left = first(entry)  # the right side may set an error even where the left does not hold
        return second(entry) and left

    return both
