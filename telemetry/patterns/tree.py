"""Templates of one service: masked messages of one length and beginning, joined where one place holds many words.

Like Drain (He et al., ICWS 2017) a fixed-depth tree leads to few candidates. Unlike it a word becomes a wildcard only
when it looks like a name, or when enough different words stood in its place: "VM started" and "VM stopped" are two
statements of a program, "user ada" and "user bob" are one.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telemetry.patterns.masking import WILDCARD, Tokens

WORDS_OF_A_VALUE: Final = 6
"""So many different words in one place are values of one template."""
LEAST_COMMON_RATIO: Final = 0.5
"""Least share of tokens that messages of one template have in common."""
OTHER: Final[Tokens] = (WILDCARD,)
"""The template that takes what no longer fits once the tree is full."""

_PLAIN_WORD: Final = re.compile(r"(?:[A-Za-z_.]+=)?[\"'(\[{<]*(?:[A-Za-z][a-z'-]*|[A-Z]+|)[\"')\]}>]*[.,:;!?]*|\W+")
"""What a programmer writes into a message; everything else looks like a value."""
_BEFORE_USER: Final = frozenset({"for", "of", "by", "invalid"})


@dataclass(slots=True)
class Template:
    """One template; `tokens` become more general as members come."""

    number: int
    tokens: Tokens
    merged_into: "Template | None" = None
    """The more general template that took this one over."""

    def current(self) -> "Template":
        template = self
        while template.merged_into is not None:
            template = template.merged_into
        return template


class TemplateTree:
    """At most `most` templates; further messages go to the template that takes everything."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._leaves: dict[tuple[int, str], list[Template]] = defaultdict(list)
        self._other: Template | None = None
        self.templates: list[Template] = []

    def add(self, tokens: Tokens) -> Template:
        """The template that `tokens` belongs to: an old one, one made more general, or a new one."""
        leaf = self._leaves[_leaf_of(tokens)]
        near: dict[tuple[int, ...], list[Template]] = defaultdict(list)
        for template in leaf:
            places = differing(template.tokens, tokens)
            if not places:
                return template
            if len(places) <= len(tokens) * (1 - LEAST_COMMON_RATIO):
                near[places].append(template)
        for places, alike in sorted(near.items(), key=lambda item: (len(item[0]), -len(item[1]))):
            if _are_values(places, alike, tokens):
                return _merge(leaf, places, alike, tokens)
        return self._found(leaf, tokens)

    def _found(self, leaf: list[Template], tokens: Tokens) -> Template:
        if len(self.templates) >= self._most:
            if self._other is None:
                self._other = self._append(OTHER)
            return self._other
        template = self._append(tokens)
        leaf.append(template)
        return template

    def _append(self, tokens: Tokens) -> Template:
        self.templates.append(Template(len(self.templates), tokens))
        return self.templates[-1]


def differing(general: Tokens, tokens: Tokens) -> tuple[int, ...]:
    """Places where `tokens` (as many) differ from `general` without a wildcard there; none: it is a member."""
    return tuple(
        place for place, (mine, other) in enumerate(zip(general, tokens, strict=True)) if mine not in (other, WILDCARD)
    )


def _leaf_of(tokens: Tokens) -> tuple[int, str]:
    """Length and first token, unless that holds a value: what members of one template share."""
    first = tokens[0] if tokens else ""
    return len(tokens), WILDCARD if WILDCARD in first else first


def _are_values(places: Sequence[int], alike: Sequence[Template], tokens: Tokens) -> bool:
    """Whether what differs at `places` is data and not wording."""
    return len(alike) + 1 >= WORDS_OF_A_VALUE or all(_is_value(place, alike, tokens) for place in places)


def _is_value(place: int, alike: Sequence[Template], tokens: Tokens) -> bool:
    if place >= 2 and tokens[place - 1] == "user" and tokens[place - 2] in _BEFORE_USER:
        return True
    unlike_words = not _PLAIN_WORD.fullmatch(tokens[place])
    return unlike_words and any(not _PLAIN_WORD.fullmatch(template.tokens[place]) for template in alike)


def _merge(leaf: list[Template], places: Sequence[int], alike: Sequence[Template], tokens: Tokens) -> Template:
    """The oldest of `alike` becomes general at `places` and takes over every template that it now covers."""
    kept = alike[0]
    kept.tokens = tuple(WILDCARD if place in places else token for place, token in enumerate(tokens))
    for other in [each for each in leaf if each is not kept]:
        if other in alike or not differing(kept.tokens, other.tokens):
            other.merged_into = kept
            leaf.remove(other)
    return kept
