"""Label sets and matchers, as the Prometheus data model defines them.

Source: https://prometheus.io/docs/concepts/data_model/
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final

import re2

from telemetry.model.errors import InvalidInput

METRIC_NAME: Final = "__name__"

Labels = tuple[tuple[str, str], ...]
"""A label set: (name, value) pairs sorted by name, names unique, no empty values. Hashable."""


def labels_from(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """Canonical label set of `pairs`; empty values mean "no such label" and are left out.

    Raises InvalidInput if a name occurs twice.
    """
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    labels = tuple(sorted((name, value) for name, value in items if value))
    for (name, _), (following, _) in pairwise(labels):
        if name == following:
            raise InvalidInput(f"label name {name!r} occurs twice")
    return labels


def label_value(labels: Labels, name: str) -> str:
    """Value of `name`, empty if the label is absent (the two are the same in Prometheus)."""
    return next((value for candidate, value in labels if candidate == name), "")


class MatchOp(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@lru_cache(maxsize=4096)
def compile_anchored(pattern: str) -> "re2._Regexp[str]":
    """RE2 pattern anchored at both ends, dot matching newlines, as Prometheus compiles matchers.

    Raises InvalidInput naming the pattern if RE2 refuses it.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)  # "a)|(b" is no pattern, but would become one between the anchors
        return re2.compile(f"^(?s:{pattern})$", options)
    except UnicodeEncodeError as error:
        raise InvalidInput(f"the regular expression {pattern!r} is not UTF-8, and so are no stored texts") from error
    except re2.error as error:
        raise InvalidInput(f"invalid regular expression {pattern!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher, such as `job=~"api.*"`; an absent label has the value ''."""

    name: str
    op: MatchOp
    value: str

    def __post_init__(self) -> None:
        if self.op in (MatchOp.REGEX, MatchOp.NOT_REGEX):
            compile_anchored(self.value)

    def matches(self, value: str) -> bool:
        match self.op:
            case MatchOp.EQUAL:
                return value == self.value
            case MatchOp.NOT_EQUAL:
                return value != self.value
            case MatchOp.REGEX:
                return compile_anchored(self.value).match(value) is not None
            case MatchOp.NOT_REGEX:
                return compile_anchored(self.value).match(value) is None

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.op}"{escaped}"'
