"""label_replace, label_join, and the labels that absent() guesses."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME, Labels, MatchOp, compile_anchored, label_value
from telemetry.model.labelsets import with_labels
from telemetry.promql.ast import Expr, MatrixSelector, VectorSelector
from telemetry.promql.errors import EvaluationError
from telemetry.promql.label_names import is_label_name
from telemetry.promql.values import Vector, refuse_equal_rows

_TEMPLATE: Final = re.compile(r"\$(?:(?P<dollar>\$)|(?P<name>\w+)|\{(?P<braced>\w+)\})", re.ASCII)


def label_replace(operand: Vector, target: str, template: str, source: str, pattern: str) -> Vector:
    """Set `target` to the expanded template on series whose label `source` matches the whole pattern.

    Raises EvaluationError for a pattern or label name that is none, or if series become equal.
    """
    try:
        compiled = compile_anchored(pattern)
    except InvalidInput as error:
        raise EvaluationError(f"invalid regular expression in label_replace(): {pattern}") from error
    if not is_label_name(target):
        raise EvaluationError(f"invalid destination label name in label_replace(): {_shown(target)}")

    @cache
    def value_for(text: str) -> str | None:
        found = compiled.match(text)
        return None if found is None else expand(template, found)

    def change(labels: Labels) -> Labels:
        value = value_for(label_value(labels, source))
        return labels if value is None else with_labels(labels, [(target, value)])

    return _with_changed_labels(operand, target, change)


def label_join(operand: Vector, target: str, separator: str, sources: Sequence[str]) -> Vector:
    """Set `target` to the values of `sources` with the separator between them.

    Raises EvaluationError for an invalid label name, or if series become equal.
    """
    for source in sources:
        if not is_label_name(source):
            raise EvaluationError(f"invalid source label name in label_join(): {_shown(source)}")
    if not is_label_name(target):
        raise EvaluationError(f"invalid destination label name in label_join(): {_shown(target)}")

    def change(labels: Labels) -> Labels:
        values = dict(labels)
        return with_labels(labels, [(target, separator.join(values.get(source, "") for source in sources))])

    return _with_changed_labels(operand, target, change)


def _with_changed_labels(operand: Vector, target: str, change: Callable[[Labels], Labels]) -> Vector:
    labels = [change(one) for one in operand.labels]
    unnamed = operand.unnamed
    if target == METRIC_NAME:
        changed = [after != before for after, before in zip(labels, operand.labels, strict=True)]
        unnamed = unnamed.copy()
        unnamed[changed] = False
    return refuse_equal_rows(replace(operand, labels=labels, unnamed=unnamed))


def expand(template: str, found: Any) -> str:
    """Template with $1, $name and ${name} replaced by groups of a match; unknown ones are empty, $$ is a dollar."""
    names = found.groupdict()

    def group(reference: re.Match[str]) -> str:
        if reference["dollar"]:
            return "$"
        name = reference["name"] or reference["braced"]
        if name.isdigit():
            number = int(name)
            return (found.group(number) or "") if number <= len(found.groups()) else ""
        return names.get(name) or ""

    return _TEMPLATE.sub(group, template)


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def absent_labels(expr: Expr) -> Labels:
    """Labels that a selector asks for by equality exactly once; none for other expressions."""
    selector = expr.selector if isinstance(expr, MatrixSelector) else expr
    if not isinstance(selector, VectorSelector):
        return ()
    wanted: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in selector.matchers:
        if matcher.name == METRIC_NAME:
            continue
        if matcher.op is MatchOp.EQUAL and matcher.name not in seen:
            wanted[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            wanted.pop(matcher.name, None)
    return tuple(sorted((name, value) for name, value in wanted.items() if value))
