"""What of a query the engine does: which stages become conditions, and which remain to be done here."""

import math
from dataclasses import dataclass
from typing import Final

from telemetry.logql.ast import (
    Decolorize,
    Filter,
    FilterPair,
    Grouping,
    JsonParser,
    LabelFilter,
    LineFilter,
    LineFormat,
    LineOp,
    LogfmtParser,
    LogSelector,
    NumberFilter,
    PatternParser,
    RegexpParser,
    Stage,
    UnpackParser,
)
from telemetry.model.labels import Labels
from telemetry.store.log_lines import FieldCondition, StreamSet
from telemetry.store.queries import LineCondition

_CHANGES_LINE: Final = (LineFormat, Decolorize, UnpackParser)
_ONLY_LABELS: Final = (JsonParser, LogfmtParser, PatternParser, RegexpParser)
_IN_ENGINE: Final = frozenset({LineOp.CONTAINS, LineOp.EXCLUDES, LineOp.MATCHES, LineOp.MATCHES_NOT})


@dataclass(frozen=True, slots=True)
class Plan:
    """Conditions for the engine; stages that remain; fields that narrow what remains without deciding it."""

    lines: tuple[LineCondition, ...]
    stages: tuple[Stage, ...]
    fields: tuple[FieldCondition, ...] = ()
    fields_decide: bool = False
    """Whether the stages let through what the fields let through, where the engine is sure of those."""


def plan_of(selector: LogSelector, streams: StreamSet, *, pushdown: bool) -> Plan:
    """Line filters up to the first stage that changes lines go to the engine; so does what is certain of JSON."""
    if not pushdown:
        return Plan((), selector.stages)
    conditions: list[LineCondition] = []
    remaining: list[Stage] = []
    unchanged = True
    for stage in selector.stages:
        unchanged = unchanged and not isinstance(stage, _CHANGES_LINE)
        condition = line_condition(stage) if unchanged and isinstance(stage, LineFilter) else None
        if condition is None:
            remaining.append(stage)
        else:
            conditions.append(condition)
    fields = _field_conditions(remaining, streams)
    return Plan(tuple(conditions), tuple(remaining), fields, bool(fields) and len(fields) == _tests(remaining))


def line_condition(stage: LineFilter) -> LineCondition | None:
    """The filter in the engine's words, if those mean the same."""
    if stage.op not in _IN_ENGINE or any(test.is_ip or _unwritable(test.text) for test in stage.tests):
        return None
    texts = tuple(test.text for test in stage.tests)
    if stage.op in (LineOp.CONTAINS, LineOp.EXCLUDES):
        return LineCondition(texts=texts, negative=stage.op.negative)
    return LineCondition(patterns=texts, negative=stage.op.negative)


def _unwritable(text: str) -> bool:
    """Whether the text has bytes that are no UTF-8, or NUL, which ends patterns."""
    return "\0" in text or (not text.isascii() and text.encode("utf-8", "ignore").decode() != text)


def _field_conditions(stages: list[Stage], streams: StreamSet) -> tuple[FieldCondition, ...]:
    """Numbers compared right after `json`: fields that no stream has as a label."""
    if not stages or stages[0] != JsonParser():
        return ()
    taken = {name for labels in streams.labels for name, _ in labels}
    found: list[FieldCondition] = []
    for stage in stages[1:]:
        if not isinstance(stage, LabelFilter):
            break
        found += [
            FieldCondition(one.label, one.op, one.value)
            for one in _conjuncts(stage.filter)
            if isinstance(one, NumberFilter) and _is_certain(one, taken)
        ]
    return tuple(found)


def _tests(stages: list[Stage]) -> int:
    """How many conditions there are right after `json`; -1 if there are other stages too."""
    filters = [stage.filter for stage in stages[1:] if isinstance(stage, LabelFilter)]
    return sum(len(_conjuncts(one)) for one in filters) if len(filters) == len(stages) - 1 else -1


def _is_certain(condition: NumberFilter, taken: set[str]) -> bool:
    """Whether the label can only be the field of that very name: `a_b` could be a field `b` of `a`."""
    return condition.label not in taken and "_" not in condition.label and math.isfinite(condition.value)


def _conjuncts(condition: Filter) -> list[Filter]:
    """Filters that must all hold."""
    if isinstance(condition, FilterPair) and condition.both:
        return [*_conjuncts(condition.lhs), *_conjuncts(condition.rhs)]
    return [condition]


def without_idle_parsers(selector: LogSelector, grouping: Grouping | None) -> LogSelector:
    """The selector without parsers whose labels nobody looks at: those of `sum(...)` over lines.

    Their errors do not show then, as in Loki.
    """
    if grouping is None or grouping.without or grouping.labels:
        return selector
    if any(
        not isinstance(stage, LineFilter | JsonParser | LogfmtParser | PatternParser | RegexpParser)
        for stage in selector.stages
    ):
        return selector
    return LogSelector(
        selector.matchers, tuple(stage for stage in selector.stages if not isinstance(stage, _ONLY_LABELS))
    )


def needs_metadata(streams: StreamSet, grouping: Grouping | None) -> bool:
    """Whether structured metadata can show in the labels of the result."""
    if grouping is None or grouping.without:
        return True
    return not all(_has_all(labels, grouping.labels) for labels in streams.labels)


def _has_all(labels: Labels, names: tuple[str, ...]) -> bool:
    present = {name for name, _ in labels}
    return all(name in present for name in names)


def drops_lines(stages: tuple[Stage, ...]) -> bool:
    """Whether fewer lines may come out of the stages than went in."""
    return any(isinstance(stage, LineFilter | LabelFilter) for stage in stages)
