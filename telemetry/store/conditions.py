"""Conditions in SQL: text from here, values as bound parameters."""

from collections.abc import Callable, Sequence
from typing import Any

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME, Matcher, MatchOp


class Conditions:
    """Collects SQL fragments with the parameters they name. Fragments are code, values are never part of them."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}

    def bind(self, value: object, type_name: str) -> str:
        """`{pN:type_name}` for `value`. Raises InvalidInput for text that the engine cannot be given."""
        for text in value if isinstance(value, list) else [value]:
            check_is_text(text)
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{type_name}}}"

    def selectors(self, selectors: Sequence[Sequence[Matcher]], column: Callable[["Conditions", str], str]) -> str:
        """Matchers of one selector ANDed, selectors ORed; no selector at all selects everything."""
        if not selectors:
            return "1"
        return "(" + " OR ".join(f"({self.matchers(matchers, column)})" for matchers in selectors) + ")"

    def matchers(self, matchers: Sequence[Matcher], column: Callable[["Conditions", str], str]) -> str:
        """ANDed conditions; `column` names the SQL value of a label, '' where the label is absent."""
        return " AND ".join(self._matcher(matcher, column(self, matcher.name)) for matcher in matchers) or "1"

    def _matcher(self, matcher: Matcher, value: str) -> str:
        match matcher.op:
            case MatchOp.EQUAL:
                return f"{value} = {self.bind(matcher.value, 'String')}"
            case MatchOp.NOT_EQUAL:
                return f"{value} != {self.bind(matcher.value, 'String')}"
            case MatchOp.REGEX:
                return f"match({value}, {self.bind(anchored(matcher.value), 'String')})"
            case MatchOp.NOT_REGEX:
                return f"NOT match({value}, {self.bind(anchored(matcher.value), 'String')})"


def check_is_text(value: object) -> None:
    """Raises InvalidInput if `value` is text that UTF-8 has no bytes for, such as PromQL's "\\xff"."""
    try:
        if isinstance(value, str):
            value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{value!r} is not UTF-8, and so are no stored texts") from error


def anchored(pattern: str) -> str:
    """The same pattern that telemetry.model.labels compiles."""
    return f"^(?s:{pattern})$"


def series_label(conditions: Conditions, name: str) -> str:
    """A label of a row of `series`; the metric name has a column of its own."""
    return "metric" if name == METRIC_NAME else stream_label(conditions, name)


def stream_label(conditions: Conditions, name: str) -> str:
    """A label of a row of `log_streams`."""
    return f"labels[{conditions.bind(name, 'String')}]"


def instant_ms(conditions: Conditions, timestamp_ms: int) -> str:
    """A timestamp as the engine's DateTime64(3)."""
    return f"fromUnixTimestamp64Milli({conditions.bind(timestamp_ms, 'Int64')}, 'UTC')"


def instant_ns(conditions: Conditions, timestamp_ns: int) -> str:
    """A timestamp as the engine's DateTime64(9)."""
    return f"fromUnixTimestamp64Nano({conditions.bind(timestamp_ns, 'Int64')}, 'UTC')"


def between_ns(conditions: Conditions, after_ns: int, until_ns: int) -> str:
    """Rows with after_ns < timestamp <= until_ns."""
    return f"timestamp > {instant_ns(conditions, after_ns)} AND timestamp <= {instant_ns(conditions, until_ns)}"
