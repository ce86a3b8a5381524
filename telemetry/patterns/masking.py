"""A message as tokens in which everything that is plainly a value (number, id, address, path) is the wildcard."""

import re
from typing import Final

WILDCARD: Final = "<*>"

MOST_TOKENS: Final = 96
"""Tokens of a longer message beyond these are one wildcard."""
MOST_CHARACTERS: Final = 2048
"""Of a longer message only the beginning is looked at."""

Tokens = tuple[str, ...]

_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_VALUES: Final = re.compile(
    rf"""
    \b[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}\b                                # UUID
  | \b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ )?(?:\d\d?\ )?
    {_MONTH}\ +\d{{1,2}}(?:\ \d\d:\d\d(?::\d\d)?)?(?:\ \d{{4}})?\b                        # Sun Jul 10 03:55:15 2005
  | \b\d\d?/{_MONTH}/\d{{4}}(?::\d\d){{3}}(?:\ [+-]\d{{4}})?                                # time of access logs
  | \b\d{{4}}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?        # ISO date and time
  | (?<![\w:])(?:[0-9a-f]{{0,4}}:){{3,7}}[0-9a-f]{{1,4}}(?![\w:])                           # IPv6
  | \b(?:[a-z0-9][\w-]*\.){{2,}}[a-z0-9][\w-]*(?::\d+)?\b                                   # IPv4, host name
  | (?<![\w<])[\w.+-]+@[\w-]+(?:\.[\w-]+)+                                                  # e-mail
  | (?<![\w.])(?:[a-z]:\\|\\\\|/(?=[\w.%~-]+/))[^\s,;"')\]}}]+                              # path
  | \b(?=[0-9a-f]*\d)[0-9a-f]{{12,}}\b                                                      # hash, trace id
  | \b0x[0-9a-f]+\b                                                                         # hexadecimal number
  | (?<![A-Za-z])[+-]?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?(?:\ ?[kmgt]?i?b\b|[num]?s\b|%)?         # number, perhaps with unit
  | \d+                                                                                     # number in a name
    """,
    re.VERBOSE | re.IGNORECASE,
)
_RUNS: Final = re.compile(r"<\*>(?:[-.:/,_xX%+ ]?<\*>)+")
_ABSENT: Final = re.compile(r"(?<=\s)\(\)(?=\s)")
"""Brackets around a value that is not there."""


def masked_tokens(message: str) -> Tokens:
    """Tokens of `message` with wildcards for values; joined by single blanks they are its template."""
    text = _RUNS.sub(WILDCARD, _VALUES.sub(WILDCARD, message[:MOST_CHARACTERS]))
    tokens = _ABSENT.sub(f"({WILDCARD})", text).split(maxsplit=MOST_TOKENS)
    if len(tokens) > MOST_TOKENS:
        tokens[MOST_TOKENS:] = [WILDCARD]
    return tuple(tokens)
