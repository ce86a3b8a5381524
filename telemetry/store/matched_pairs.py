"""Which label pairs a matcher takes: regular expressions run once over the distinct values of a label."""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.coded_labels import Codes, LabelPairs
from telemetry.model.labels import Matcher, MatchOp

_KEPT_PATTERNS: Final = 1024
_LITERALS: Final = re.compile(r"[A-Za-z0-9_:\-/ ]+(\|[A-Za-z0-9_:\-/ ]+)*")
"""Patterns that are nothing but alternatives without operators."""


@dataclass(frozen=True, slots=True, eq=False)
class Test:
    """What a matcher takes of a label."""

    pairs: NDArray[np.int64]
    """Codes of pairs of one name: those that are taken, or those that are not if `inverted`."""
    takes_absent: bool
    """Whether series without the label are taken."""
    inverted: bool

    def takes(self, codes: Codes, pairs: int) -> NDArray[np.bool_]:
        """bool[N] for int32[N, K] pair codes of series."""
        marks = np.zeros(pairs + 1, np.bool_)
        marks[self.pairs] = True
        found: NDArray[np.bool_] = marks[codes].any(axis=1) != self.inverted
        return found


@dataclass(slots=True)
class _Pattern:
    looked_at: int = 0
    """Values of the label that were tried."""
    taken: list[int] = field(default_factory=list)


class MatchedPairs:
    """Tests of matchers over a growing vocabulary."""

    def __init__(self, vocabulary: LabelPairs) -> None:
        self._vocabulary = vocabulary
        self._patterns: OrderedDict[Matcher, _Pattern] = OrderedDict()

    def of(self, matcher: Matcher) -> Test:
        """The pairs that `matcher` takes; the others where it also takes series without the label."""
        takes_absent = matcher.matches("")
        if not takes_absent:
            return Test(self._taken(matcher), takes_absent=False, inverted=False)
        return Test(self._taken(_opposite(matcher)), takes_absent=True, inverted=True)

    def _taken(self, matcher: Matcher) -> NDArray[np.int64]:
        if matcher.op is MatchOp.EQUAL or (matcher.op is MatchOp.REGEX and _LITERALS.fullmatch(matcher.value)):
            values = [matcher.value] if matcher.op is MatchOp.EQUAL else sorted(set(matcher.value.split("|")))
            found = (self._vocabulary.find((matcher.name, value)) for value in values)
            return np.array(sorted(code for code in found if code is not None), np.int64)
        name = self._vocabulary.find_name(matcher.name)
        if name is None:
            return np.empty(0, np.int64)
        codes = self._vocabulary.codes_by_name[name]
        if matcher.op is MatchOp.NOT_EQUAL and not matcher.value:
            return np.array(codes, np.int64)
        return np.array(self._tried(matcher, codes), np.int64)

    def _tried(self, matcher: Matcher, codes: list[int]) -> list[int]:
        pattern = self._patterns.setdefault(matcher, _Pattern())
        self._patterns.move_to_end(matcher)
        if len(self._patterns) > _KEPT_PATTERNS:
            self._patterns.popitem(last=False)
        pairs = self._vocabulary.pairs
        pattern.taken.extend(code for code in codes[pattern.looked_at :] if matcher.matches(pairs[code][1]))
        pattern.looked_at = len(codes)
        return pattern.taken


_OPPOSITES: Final = {
    MatchOp.EQUAL: MatchOp.NOT_EQUAL,
    MatchOp.NOT_EQUAL: MatchOp.EQUAL,
    MatchOp.REGEX: MatchOp.NOT_REGEX,
    MatchOp.NOT_REGEX: MatchOp.REGEX,
}


def _opposite(matcher: Matcher) -> Matcher:
    return Matcher(matcher.name, _OPPOSITES[matcher.op], matcher.value)
