"""Which metric names a selector means to read: what the query log keeps, so that unread metrics can be found."""

from collections.abc import Sequence
from typing import Final

from telemetry.model.labels import METRIC_NAME, Matcher, MatchOp
from telemetry.model.labelsets import label_texts
from telemetry.model.samples import SeriesSet

MOST_NAMES: Final = 100
"""A pattern that finds more names than this browses; it reads none of them in particular."""
_MOST_SERIES: Final = 20_000


def names_read(matchers: Sequence[Matcher], series: SeriesSet) -> frozenset[str]:
    """Names that the matchers ask for: the one they name, or those that a pattern of theirs finds."""
    on_name = [matcher for matcher in matchers if matcher.name == METRIC_NAME]
    named = frozenset(matcher.value for matcher in on_name if matcher.op is MatchOp.EQUAL and matcher.value)
    if named:
        return named
    if len(series) > _MOST_SERIES or not any(matcher.op is MatchOp.REGEX for matcher in on_name):
        return frozenset()
    found = frozenset(label_texts(series.labels, METRIC_NAME))
    return found if len(found) <= MOST_NAMES else frozenset()
