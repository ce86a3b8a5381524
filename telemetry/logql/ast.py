"""The syntax tree of LogQL. Nodes are frozen; times are whole nanoseconds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from telemetry.model.labels import Matcher


class LineOp(StrEnum):
    CONTAINS = "|="
    EXCLUDES = "!="
    MATCHES = "|~"
    MATCHES_NOT = "!~"
    PATTERN = "|>"
    PATTERN_NOT = "!>"

    @property
    def negative(self) -> bool:
        return self.value.startswith("!")


@dataclass(frozen=True, slots=True)
class LineTest:
    """One text, regular expression, pattern or address that a line is tested for."""

    text: str
    is_ip: bool = False


@dataclass(frozen=True, slots=True)
class LineFilter:
    """`op a or b`: any of the tests holds; none of them under a negative operator."""

    op: LineOp
    tests: tuple[LineTest, ...]


@dataclass(frozen=True, slots=True)
class Extraction:
    """`label="expression"` of a parser."""

    label: str
    expression: str


@dataclass(frozen=True, slots=True)
class JsonParser:
    extractions: tuple[Extraction, ...] = ()


@dataclass(frozen=True, slots=True)
class LogfmtParser:
    strict: bool = False
    keep_empty: bool = False
    extractions: tuple[Extraction, ...] = ()


@dataclass(frozen=True, slots=True)
class RegexpParser:
    pattern: str


@dataclass(frozen=True, slots=True)
class PatternParser:
    pattern: str


@dataclass(frozen=True, slots=True)
class UnpackParser:
    pass


@dataclass(frozen=True, slots=True)
class TextFilter:
    """`label="value"` and its like; an absent label has the value ''."""

    matcher: Matcher


@dataclass(frozen=True, slots=True)
class NumberFilter:
    label: str
    op: str
    value: float


@dataclass(frozen=True, slots=True)
class DurationFilter:
    label: str
    op: str
    value_ns: int


@dataclass(frozen=True, slots=True)
class BytesFilter:
    label: str
    op: str
    value_bytes: int


@dataclass(frozen=True, slots=True)
class IpFilter:
    label: str
    op: str
    pattern: str


@dataclass(frozen=True, slots=True)
class FilterPair:
    """`lhs and rhs`, or `lhs or rhs`."""

    lhs: "Filter"
    rhs: "Filter"
    both: bool


Filter = TextFilter | NumberFilter | DurationFilter | BytesFilter | IpFilter | FilterPair


@dataclass(frozen=True, slots=True)
class LabelFilter:
    filter: Filter


@dataclass(frozen=True, slots=True)
class LineFormat:
    template: str


@dataclass(frozen=True, slots=True)
class LabelChange:
    """`label=source` (a label that is renamed) or `label="template"`."""

    label: str
    value: str
    renames: bool


@dataclass(frozen=True, slots=True)
class LabelFormat:
    changes: tuple[LabelChange, ...]


@dataclass(frozen=True, slots=True)
class Decolorize:
    pass


@dataclass(frozen=True, slots=True)
class NamedLabel:
    """A label by its name, or only where its value matches."""

    label: str
    matcher: Matcher | None = None


@dataclass(frozen=True, slots=True)
class DropLabels:
    labels: tuple[NamedLabel, ...]


@dataclass(frozen=True, slots=True)
class KeepLabels:
    labels: tuple[NamedLabel, ...]


Parser = JsonParser | LogfmtParser | RegexpParser | PatternParser | UnpackParser
Stage = LineFilter | Parser | LabelFilter | LineFormat | LabelFormat | Decolorize | DropLabels | KeepLabels


@dataclass(frozen=True, slots=True)
class LogSelector:
    """Streams, and what is done with their lines."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Unwrap:
    label: str
    conversion: str = ""
    """'', bytes, duration or duration_seconds."""
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class LogRange:
    selector: LogSelector
    range_ns: int
    offset_ns: int = 0
    unwrap: Unwrap | None = None


@dataclass(frozen=True, slots=True)
class Grouping:
    labels: tuple[str, ...]
    without: bool


@dataclass(frozen=True, slots=True)
class RangeAggregation:
    op: str
    range: LogRange
    grouping: Grouping | None = None
    parameter: float | None = None


@dataclass(frozen=True, slots=True)
class VectorAggregation:
    op: str
    expr: "Metric"
    grouping: Grouping | None = None
    parameter: int | None = None


class Cardinality(StrEnum):
    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "group_left"
    ONE_TO_MANY = "group_right"


@dataclass(frozen=True, slots=True)
class Matching:
    on: bool = False
    labels: tuple[str, ...] = ()
    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    op: str
    lhs: "Metric"
    rhs: "Metric"
    matching: Matching = Matching()
    returns_bool: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    value: float


@dataclass(frozen=True, slots=True)
class VectorLiteral:
    value: float


@dataclass(frozen=True, slots=True)
class LabelReplace:
    expr: "Metric"
    target: str
    replacement: str
    source: str
    pattern: str


Metric = RangeAggregation | VectorAggregation | Binary | Literal | VectorLiteral | LabelReplace
Expr = LogSelector | Metric

SET_OPERATORS: Final = frozenset({"and", "or", "unless"})
COMPARISONS: Final = frozenset({"==", "!=", ">", ">=", "<", "<="})


def nesting_depth(expr: Expr) -> int:
    """Levels of metric expressions and label filters, found without recursion."""
    deepest = 0
    waiting: list[tuple[object, int]] = [(expr, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting.extend((child, depth + 1) for child in _children(node))
    return deepest


def _children(node: object) -> tuple[object, ...]:
    match node:
        case VectorAggregation() | LabelReplace():
            return (node.expr,)
        case Binary() | FilterPair():
            return (node.lhs, node.rhs)
        case RangeAggregation():
            unwrap = node.range.unwrap
            return (node.range.selector, *(unwrap.filters if unwrap else ()))
        case LogSelector():
            return tuple(stage.filter for stage in node.stages if isinstance(stage, LabelFilter))
    return ()
