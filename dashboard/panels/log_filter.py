"""What a log page is narrowed to, read from its address."""

import re
from dataclasses import dataclass
from typing import Final

from dashboard.panels.log_words import search_words
from dashboard.panels.time_range import PageRange
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Matcher, MatchOp
from telemetry.model.logs import SEVERITY_RANGES
from telemetry.store import LogQuery

PAGE_SIZE: Final = 100
SEVERITIES: Final = tuple(word for word, _, _ in SEVERITY_RANGES if word != "unspecified")
_RANGES: Final = {word: (first, last) for word, first, last in SEVERITY_RANGES}
_MATCHER: Final = re.compile(r"([^=!~]+?)(=~|!~|!=|=)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What the address asks for."""

    services: tuple[str, ...] = ()
    severity: str = ""
    """A word of SEVERITIES, with "+" for it and worse; "unspecified" for none."""
    text: str = ""
    labels: tuple[str, ...] = ()
    """Matchers of stream labels as text: `pod=api-1`, `pod!=api-1`, `pod=~api-.*`."""
    fields: tuple[str, ...] = ()
    """Conditions on fields of the record as text: `status=500`, `user.name!=ada`, `path=~/api/.*`."""
    trace_id: str = ""
    pattern: str = ""
    """Name of a pattern: 16 hex digits."""

    def query(self, time_range: PageRange, *, limit: int = PAGE_SIZE) -> LogQuery:
        """Raises InvalidInput for a severity or a matcher that cannot be read."""
        least, most = severity_range(self.severity)
        words = search_words(self.text)
        return LogQuery(
            start_ns=time_range.start_ms * 10**6,
            end_ns=time_range.end_ms * 10**6 + 999_999,
            services=self.services,
            matchers=tuple(read_matcher(text) for text in self.labels),
            fields=tuple(read_matcher(text) for text in self.fields),
            severity_min=least,
            severity_max=most,
            texts=words.wanted,
            not_texts=words.unwanted,
            trace_id=self.trace_id,
            limit=limit,
        )


def severity_range(severity: str) -> tuple[int, int]:
    """(least, most) severity_number of "error", of "error+" or of "" (any). Raises InvalidInput for other texts."""
    if not severity:
        return 0, 255
    word = severity.removesuffix("+")
    if word not in _RANGES:
        raise InvalidInput(f"severity {severity!r} is none of {', '.join(SEVERITIES)}, with or without +")
    first, last = _RANGES[word]
    return first, 255 if severity.endswith("+") else last


def read_matcher(text: str) -> Matcher:
    """`name=value`, `name!=value`, `name=~pattern` or `name!~pattern`; quotes around the value are optional."""
    found = _MATCHER.fullmatch(text.strip())
    if not found:
        raise InvalidInput(f"{text!r} is not a label condition such as pod=api-1 or pod=~api-.*")
    name, operator, value = found.groups()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return Matcher(name.strip(), MatchOp(operator), value)
