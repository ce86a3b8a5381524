"""One number for what to fix first: a product of factors, each shown, each of which can be taken away.

A factor above 1 raises the rank, below 1 lowers it, and 1 is as if it were not there. What is unknown counts neither
as harmless nor as worst: each factor says what it was counted as.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from policies.dependencies.facts import Facts, severity_word
from policies.dependencies.sla import Clock


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason for a rank: `words` tell the value, `multiplier` what it does."""

    name: str
    words: str
    multiplier: float
    known: bool = True
    counted: bool = True
    """False if it was taken away; then the rank is as if it were 1."""


@dataclass(frozen=True, slots=True)
class Rank:
    """`value` is the product of the counted factors times ten."""

    value: float
    factors: tuple[Factor, ...]


UNRATED_SCORE: Final = 6.0
"""A problem without a published score counts as a medium one near high."""


def rank(facts: Facts, clock: Clock | None, without: Collection[str] = ()) -> Rank:
    """The rank of a finding; factors whose name is in `without` do not count."""
    factors = []
    for name, judge in _FACTORS.items():
        words, multiplier, known = judge(facts, clock)
        factors.append(Factor(name, words, multiplier, known, name not in without))
    value = 10 * math.prod(factor.multiplier for factor in factors if factor.counted)
    return Rank(value, tuple(factors))


_Judged = tuple[str, float, bool]
"""(words, multiplier, known)."""


def _severity(facts: Facts, _: Clock | None) -> _Judged:
    score = facts.severity_score
    if score is None:
        return f"no score published, counted as {UNRATED_SCORE:g}", UNRATED_SCORE / 10, False
    return f"CVSS {score:.1f}, {severity_word(score)}", max(score, 0.1) / 10, True


def _epss(facts: Facts, _: Clock | None) -> _Judged:
    if facts.epss is None:
        return "EPSS unknown", 1.0, False
    return f"EPSS {facts.epss:.2%}", 0.5 + 3.5 * math.sqrt(facts.epss), True


def _exploited(facts: Facts, _: Clock | None) -> _Judged:
    if facts.known_exploited is None:
        return "not known whether it is exploited", 1.0, False
    return ("known to be exploited", 3.0, True) if facts.known_exploited else ("not in CISA's catalogue", 1.0, True)


def _exposure(facts: Facts, _: Clock | None) -> _Judged:
    if facts.internet_facing is None:
        return "nobody said whether it faces the internet", 1.5, False
    return ("faces the internet", 2.0, True) if facts.internet_facing else ("not from the internet", 1.0, True)


def _traffic(facts: Facts, _: Clock | None) -> _Judged:
    rate = facts.requests_per_second
    if rate is None:
        return "requests not measured", 1.0, False
    return f"{rate:.3g} requests/s over 7 days", 0.5 + math.log10(1 + max(rate, 0.0)), True


def _replicas(facts: Facts, _: Clock | None) -> _Judged:
    count = facts.replicas
    if count is None:
        return "replicas not measured", 1.0, False
    if count <= 0:
        return "does not run now", 0.2, True
    return f"{count} replica{'s' if count > 1 else ''} now", 1 + math.log2(count) / 4, True


def _due(_: Facts, clock: Clock | None) -> _Judged:
    if clock is None:
        return "no due date", 1.0, False
    return clock.words, 1 + min(max(1 - clock.left_ratio, 0.0), 2.0) / 2, True


_FACTORS: Final[dict[str, Callable[[Facts, Clock | None], _Judged]]] = {
    "severity": _severity,
    "epss": _epss,
    "exploited": _exploited,
    "exposure": _exposure,
    "traffic": _traffic,
    "replicas": _replicas,
    "due": _due,
}
FACTOR_NAMES: Final = tuple(_FACTORS)
