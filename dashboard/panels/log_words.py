"""Plain words of a search: each must be in the record; "a phrase" in quotes is one word, -word must not be there."""

import re
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r'(-?)"((?:[^"\\]|\\.)*)"|(\S+)')
_ESCAPED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class SearchWords:
    """What a record must hold and what it must not, in any case."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()


def search_words(text: str) -> SearchWords:
    """The words of `text`. A lone quote or dash is a word like any other."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for dash, phrase, word in _WORD.findall(text):
        if word:
            excluded = word.startswith("-") and len(word) > 1
            (unwanted if excluded else wanted).append(word[1:] if excluded else word)
        elif phrase:
            (unwanted if dash else wanted).append(_ESCAPED.sub(r"\1", phrase))
    return SearchWords(tuple(wanted), tuple(unwanted))
