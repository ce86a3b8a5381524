"""The index of long words of log records: what it lets a search skip, without ever skipping a record that matches.

`words` of a record are the runs of ASCII letters, digits and `-` of at least 16 bytes in its body, attributes, trace
and span id: request ids, UUIDs, traces, digests, keys. A Bloom filter over them per granule finds one id among
billions of lines for a twentieth of what an index of every word would weigh. Marks tell of runs longer than 32, 36
and 64 bytes, so that a search for text that may stand inside a longer run knows where it has to look.
"""

import re
from typing import Final

from telemetry.store.conditions import Conditions

_RUN: Final = re.compile(r"[0-9A-Za-z-]{16,}")
_LEAST_MARKED: Final = 32
_MARKS: Final = ((36, ">32"), (64, ">36"), (None, ">64"))
"""(bytes of the longest runs that have the mark, mark)"""


def word_conditions(conditions: Conditions, needle: str) -> list[str]:
    """SQL conditions that hold for every record with `needle` in its body, attributes, trace or span id.

    They only narrow the search down: AND them, after the condition that compares the text itself.
    """
    return [f"hasAny(words, {conditions.bind(words, 'Array(String)')})" for words in alternatives(needle)]


def alternatives(needle: str) -> list[list[str]]:
    """For each long run in `needle`: the words of which a record with that text has at least one."""
    runs = [_alternatives(run, len(needle)) for run in _RUN.finditer(needle)]
    return [words for words in runs if words]


def _alternatives(run: re.Match[str], end: int) -> list[str]:
    """Empty if the run may go on outside the needle and runs of such length are not marked."""
    if run.start() > 0 and run.end() < end:
        return [run[0]]
    size = len(run[0])
    if size < _LEAST_MARKED:
        return []
    # a run longer than 36 has only the mark of its own length, so every mark from the needle's length on counts
    return [run[0], *(mark for longest, mark in _MARKS if longest is None or longest > size)]
