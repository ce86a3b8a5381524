"""Relabelling: rules that rewrite, keep or drop label sets, exactly as Prometheus applies them; pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import compile_anchored

DEFAULT_REGEX: Final = "(.*)"
DEFAULT_REPLACEMENT: Final = "$1"
DEFAULT_SEPARATOR: Final = ";"
ACTIONS: Final = (
    "replace", "keep", "drop", "keepequal", "dropequal", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase",
    "uppercase",
)  # fmt: skip

_NEED_TARGET: Final = frozenset({"replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"})
_REFERENCE: Final = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")
_WRITES_A_NAME: Final = re.compile(r"(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+")


@dataclass(frozen=True, slots=True)
class RelabelRule:
    """One rule; fields as in the configuration. Raises InvalidInput if they do not fit together."""

    action: str = "replace"
    source_labels: tuple[str, ...] = ()
    separator: str = DEFAULT_SEPARATOR
    regex: str = DEFAULT_REGEX
    modulus: int = 0
    target_label: str = ""
    replacement: str = DEFAULT_REPLACEMENT

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise InvalidInput(f"unknown relabel action {self.action!r}; there are {', '.join(ACTIONS)}")
        compile_anchored(self.regex)
        if problem := self._problem():
            raise InvalidInput(problem)

    def _problem(self) -> str:
        if self.action in _NEED_TARGET and not self.target_label:
            return f"the action {self.action} needs a target_label"
        if self.action == "hashmod" and self.modulus <= 0:
            return "the action hashmod needs a modulus above 0"
        if self.action in ("lowercase", "uppercase") and self.replacement != DEFAULT_REPLACEMENT:
            return f"the action {self.action} takes no replacement"
        if self.action == "labelmap" and not _WRITES_A_NAME.fullmatch(self.replacement):
            return f"{self.replacement!r} does not write the name of a label"
        if self.action in ("keepequal", "dropequal") and self._shape(source_labels=True, target_label=True):
            return f"the action {self.action} takes source_labels and target_label and nothing else"
        if self.action in ("labeldrop", "labelkeep") and self._shape():
            return f"the action {self.action} takes a regex and nothing else"
        return ""

    def _shape(self, *, source_labels: bool = False, target_label: bool = False) -> bool:
        """Whether anything but the regex (or, if allowed, these two) was given."""
        given_regex = source_labels and self.regex != DEFAULT_REGEX
        plain = (self.separator, self.modulus, self.replacement) == (DEFAULT_SEPARATOR, 0, DEFAULT_REPLACEMENT)
        named = (self.source_labels and not source_labels) or (self.target_label and not target_label)
        return bool(given_regex or not plain or named)

    def value_of(self, labels: Mapping[str, str]) -> str:
        """Values of the source labels, joined."""
        return self.separator.join([labels.get(name, "") for name in self.source_labels])


def relabelled(labels: Mapping[str, str], rules: Iterable[RelabelRule]) -> dict[str, str] | None:
    """`labels` after all `rules`, None if a rule dropped them. Empty values mean "no such label"."""
    found = {name: value for name, value in labels.items() if value}
    for rule in rules:
        if not _APPLY[rule.action](rule, found):
            return None
    return found


def dropping_rule(labels: Mapping[str, str], rules: Iterable[RelabelRule]) -> int | None:
    """Position of the rule that drops `labels`, None if they are kept."""
    found = {name: value for name, value in labels.items() if value}
    for position, rule in enumerate(rules):
        if not _APPLY[rule.action](rule, found):
            return position
    return None


def _set(labels: dict[str, str], name: str, value: str) -> None:
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _match(rule: RelabelRule, text: str) -> Any:
    return compile_anchored(rule.regex).match(text)


def _replace(rule: RelabelRule, labels: dict[str, str]) -> bool:
    match = _match(rule, rule.value_of(labels))
    if match is not None:
        target = _expanded(rule.target_label, match)
        if target:
            _set(labels, target, _expanded(rule.replacement, match))
    return True


def _hashmod(rule: RelabelRule, labels: dict[str, str]) -> bool:
    digest = hashlib.md5(rule.value_of(labels).encode(), usedforsecurity=False).digest()
    _set(labels, rule.target_label, str(int.from_bytes(digest[8:]) % rule.modulus))
    return True


def _labelmap(rule: RelabelRule, labels: dict[str, str]) -> bool:
    for name, value in list(labels.items()):
        match = _match(rule, name)
        if match is not None:
            _set(labels, _expanded(rule.replacement, match), value)
    return True


def _names(rule: RelabelRule, labels: dict[str, str], *, dropped: bool) -> bool:
    for name in list(labels):
        if (_match(rule, name) is not None) == dropped:
            del labels[name]
    return True


def _cased(rule: RelabelRule, labels: dict[str, str], change: Callable[[str], str]) -> bool:
    _set(labels, rule.target_label, change(rule.value_of(labels)))
    return True


_APPLY: Final[dict[str, Callable[[RelabelRule, dict[str, str]], bool]]] = {
    "replace": _replace,
    "keep": lambda rule, labels: _match(rule, rule.value_of(labels)) is not None,
    "drop": lambda rule, labels: _match(rule, rule.value_of(labels)) is None,
    "keepequal": lambda rule, labels: labels.get(rule.target_label, "") == rule.value_of(labels),
    "dropequal": lambda rule, labels: labels.get(rule.target_label, "") != rule.value_of(labels),
    "hashmod": _hashmod,
    "labelmap": _labelmap,
    "labeldrop": lambda rule, labels: _names(rule, labels, dropped=True),
    "labelkeep": lambda rule, labels: _names(rule, labels, dropped=False),
    "lowercase": lambda rule, labels: _cased(rule, labels, str.lower),
    "uppercase": lambda rule, labels: _cased(rule, labels, str.upper),
}
"""False where the label set is dropped; else the labels are changed in place."""


def _expanded(template: str, match: Any) -> str:
    """`template` with `$1`, `${1}` and `${name}` filled in as Go does: the longest name counts, unknown ones are ''."""
    if "$" not in template:
        return template
    return "".join(part if literal else _group(match, part) for literal, part in _template(template))


@lru_cache(maxsize=4096)
def _template(text: str) -> tuple[tuple[bool, str], ...]:
    """(is literal, text or group name) parts."""
    parts: list[tuple[bool, str]] = []
    position = 0
    for found in _REFERENCE.finditer(text):
        parts.append((True, text[position : found.start()]))
        name = found[1] or found[2]
        parts.append((False, name) if name else (True, "$"))
        position = found.end()
    parts.append((True, text[position:]))
    return tuple(part for part in parts if part[1])


def _group(match: Any, name: str) -> str:
    try:
        return match.group(int(name) if name.isdecimal() else name) or ""
    except (IndexError, KeyError):
        return ""
