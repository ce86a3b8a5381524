"""Rule files of Prometheus: text in, groups of rules out, or every sentence about what is wrong. Pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/ and alerting_rules/
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from policies.rules.strict_yaml import Marked, YamlProblem, load_documents
from policies.rules.template_text import TemplateProblem, parse_template
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME, Labels, labels_from
from telemetry.promql.durations import parse_duration_ms
from telemetry.promql.label_names import is_label_name
from telemetry.promql.parser import parse

_GROUP_FIELDS: Final = frozenset({"name", "interval", "query_offset", "limit", "rules", "labels"})
_RULE_FIELDS: Final = frozenset({"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"})


class RuleFileError(InvalidInput):
    """A file that Prometheus would not load; `problems` are sentences with line numbers."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `annotations` is empty and the durations are 0 for a recording rule."""

    kind: str
    """`recording` or `alerting`."""
    name: str
    expr: str
    labels: Labels = ()
    """Those of the group among them; values of alerting rules are templates."""
    annotations: Labels = ()
    for_ms: int = 0
    keep_firing_for_ms: int = 0


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after the other at the same times."""

    name: str
    rules: tuple[Rule, ...]
    interval_ms: int | None = None
    query_offset_ms: int = 0
    limit: int = 0
    """Most series or alerts of one rule; 0 for no limit."""


def parse_rule_file(text: str) -> list[RuleGroup]:
    """Groups of a rule file, or of Kubernetes `PrometheusRule` manifests. Raises RuleFileError."""
    try:
        documents = load_documents(text)
    except YamlProblem as error:
        raise RuleFileError([str(error)]) from error
    reader = _Reader()
    groups = [group for document in documents[:1] for group in reader.file(document)]
    groups += [group for document in documents[1:] if _is_manifest(document) for group in reader.file(document)]
    if reader.problems:
        raise RuleFileError(reader.problems)
    return groups


def _is_manifest(document: Marked) -> bool:
    return document.is_mapping and document.word("kind") == "PrometheusRule"


class _Reader:
    """Collects problems, so that a person sees all of them at once."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._names: set[str] = set()

    def file(self, document: Marked) -> list[RuleGroup]:
        if document.value is None:
            return []
        if _is_manifest(document):
            document = document.child("spec")
        self._known_fields(document, frozenset({"groups"}), "file")
        return [self._group(entry) for entry in self._entries(document, "groups")]

    def _group(self, node: Marked) -> RuleGroup:
        self._known_fields(node, _GROUP_FIELDS, "group")
        name = self._text(node, "name")
        if not name:
            self._say(node, "groupname must not be empty")
        elif name in self._names:
            self._say(node, f'groupname: "{name}" is repeated in the same file')
        self._names.add(name)
        labels = self._labels(node, "labels", name)
        return RuleGroup(
            name=name,
            rules=tuple(self._rule(entry, name, labels) for entry in self._entries(node, "rules")),
            interval_ms=self._duration(node, "interval") or None,
            query_offset_ms=self._duration(node, "query_offset"),
            limit=self._count(node, "limit"),
        )

    def _rule(self, node: Marked, group: str, group_labels: Mapping[str, str]) -> Rule:
        self._known_fields(node, _RULE_FIELDS, "rule")
        record, alert, expr = (self._text(node, field) for field in ("record", "alert", "expr"))
        name = record or alert
        labels = {**group_labels, **self._labels(node, "labels", f"{group}: {name}")}
        annotations = self._labels(node, "annotations", f"{group}: {name}")
        rule = Rule(
            kind="recording" if record else "alerting",
            name=name,
            expr=expr,
            labels=labels_from(labels),
            annotations=labels_from(annotations),
            for_ms=self._duration(node, "for"),
            keep_firing_for_ms=self._duration(node, "keep_firing_for"),
        )
        for problem in [*_shape_problems(node, record, alert), *_expression_problems(expr), *_template_problems(rule)]:
            self._say(node, f'group "{group}", rule "{name}": {problem}')
        return rule

    def _labels(self, node: Marked, field: str, where: str) -> dict[str, str]:
        child = node.child(field)
        if child.value is None:
            return {}
        if not child.is_mapping:
            self._say(child, f"{field} is no mapping of names to text")
            return {}
        found = {name: self._text(child, name) for name in child.value}
        for name in found:
            if not is_label_name(name) or (field == "labels" and name == METRIC_NAME):
                kind = "label" if field == "labels" else "annotation"
                self._say(child, f"{where}: invalid {kind} name: {name!r}")
        return found

    def _entries(self, node: Marked, field: str) -> Iterator[Marked]:
        child = node.child(field)
        if child.value is not None and not child.is_sequence:
            self._say(child, f"{field} is no list")
            return
        for entry in child.value or ():
            if entry.is_mapping:
                yield entry
            else:
                self._say(entry, f"an entry of {field} is no mapping")

    def _known_fields(self, node: Marked, known: frozenset[str], what: str) -> None:
        if not node.is_mapping:
            self._say(node, f"the {what} is no mapping")
            return
        for name, child in node.value.items():
            if name not in known:
                self._say(child, f"field {name} not found in a {what}")

    def _text(self, node: Marked, field: str) -> str:
        child = node.child(field)
        if child.is_mapping or child.is_sequence:
            self._say(child, f"{field} is no text")
            return ""
        return child.text

    def _duration(self, node: Marked, field: str) -> int:
        text = self._text(node, field)
        try:
            return parse_duration_ms(text) if text else 0
        except InvalidInput as error:
            self._say(node.child(field), f"{field}: {error}")
            return 0

    def _count(self, node: Marked, field: str) -> int:
        text = self._text(node, field)
        if text and not text.lstrip("-").isdecimal():
            self._say(node.child(field), f"{field}: {text!r} is not a whole number")
            return 0
        return int(text or 0)

    def _say(self, node: Marked, problem: str) -> None:
        self.problems.append(f"line {node.line}: {problem}")


def _shape_problems(node: Marked, record: str, alert: str) -> Iterator[str]:
    if record and alert:
        yield "only one of 'record' and 'alert' must be set"
    if not record and not alert:
        yield "one of 'record' or 'alert' must be set"
    if not record:
        return
    for field in ("annotations", "for", "keep_firing_for"):
        child = node.child(field)
        if child.value is not None and child.value != {} and child.text != "0s":
            yield f"invalid field '{field}' in recording rule"
    if not is_label_name(record) or "{" in record or "}" in record:
        yield f"invalid recording rule name: {record}"


def _expression_problems(expr: str) -> Iterator[str]:
    if not expr:
        yield "field 'expr' must be set in rule"
        return
    try:
        parse(expr)
    except InvalidInput as error:
        yield f"could not parse expression: {error}"


def _template_problems(rule: Rule) -> Iterator[str]:
    if rule.kind != "alerting":
        return
    for kind, pairs in (("label", rule.labels), ("annotation", rule.annotations)):
        for name, text in pairs:
            try:
                parse_template(text)
            except TemplateProblem as error:
                yield f'{kind} "{name}": {error}'
