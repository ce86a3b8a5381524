"""The part of an exposition line before its value: `name{label="value",...}`, with the labels of its target.

Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and, for names in quotes,
https://prometheus.io/docs/guides/utf8/
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from collectors.wire.exposition_numbers import shown
from collectors.wire.protobuf import utf8
from collectors.wire.series_labels import checked_labels
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME, Labels

SERIES: Final = re.compile(rb"""[ \t]*+[^ \t{#"]*+[ \t]*+(?:\{(?:[^"}\n]++|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+")*+\})?""")
"""Never goes back and takes plain text whole: no thread runs while a pattern does, and a value may have megabytes."""

_NAME: Final = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_QUOTED: Final = rb"""  "( [^"\\\n]*+ (?:\\. [^"\\\n]*+)*+ )"  """
_PAIR: Final = re.compile(
    rb"""[ \t]* (?: ([a-zA-Z_][a-zA-Z0-9_]*) | %(quoted)b ) [ \t]* (?:= [ \t]* %(quoted)b )? [ \t]* (,|$)"""
    % {b"quoted": _QUOTED},
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r'\\([\\"n])')


@dataclass(frozen=True, slots=True)
class TargetSeries:
    """Gives series of one target their labels."""

    target_labels: Labels = ()
    honor_labels: bool = False
    """Whether a label of the page wins over one of the target; if not, it is kept as `exported_...`."""

    @property
    def key_space(self) -> str:
        return f"exposition {'honor ' if self.honor_labels else ''}{self.target_labels!r}"

    def labels(self, series: bytes) -> Labels:
        """Labels of `series` as it stands on the page. Raises InvalidInput if it is not understood."""
        return checked_labels(self._with_target(list(_read(series))))

    def _with_target(self, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        if not self.target_labels:
            return pairs
        names = {name for name, _ in pairs}
        if names.isdisjoint([name for name, _ in self.target_labels]):
            pairs += self.target_labels
            return pairs
        if self.honor_labels:
            return pairs + [label for label in self.target_labels if label[0] not in names]
        taken = names | {name for name, _ in self.target_labels}
        return [*(self._exported(pair, taken) for pair in pairs), *self.target_labels]

    def _exported(self, pair: tuple[str, str], taken: set[str]) -> tuple[str, str]:
        name, value = pair
        if any(name == of_target for of_target, _ in self.target_labels):
            while name in taken:
                name = f"exported_{name}"
            taken.add(name)
        return name, value


@lru_cache(maxsize=50_000)
def _read(series: bytes) -> tuple[tuple[str, str], ...]:
    """Label pairs of a series as they stand on the page. Cached: targets of one kind expose the same series."""
    name, brace, inside = series.strip(b" \t").partition(b"{")
    pairs = label_pairs(inside.rpartition(b"}")[0], series) if brace else []
    plain = name.rstrip(b" \t")
    if plain:
        if not _NAME.fullmatch(plain):
            raise InvalidInput(f"{shown(plain)} is not a metric name")
        pairs.insert(0, (METRIC_NAME, plain.decode()))
    return tuple(pairs)


def label_pairs(inside: bytes, series: bytes) -> list[tuple[str, str]]:
    """Label pairs between the braces; a quoted text alone is the metric's name."""
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(inside.rstrip(b" \t")):
        pair = _PAIR.match(inside, position)
        if pair is None or (pair[1] is not None and pair[3] is None):
            raise InvalidInput(f"the labels of {shown(series)} are not understood from character {position + 1} on")
        name = pair[1].decode() if pair[1] is not None else unescaped(pair[2])
        pairs.append((name, unescaped(pair[3])) if pair[3] is not None else (METRIC_NAME, name))
        position = pair.end()
    return pairs


def unescaped(quoted: bytes) -> str:
    r"""Text between quotes: `\\`, `\"` and `\n` stand for one character, everything else for itself."""
    text = utf8(quoted, "a text")
    return _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], text) if "\\" in text else text
