"""A template as a regular expression (RE2) for the messages it was learnt from, and the words that they all hold."""

import re
from typing import Final

from telemetry.patterns.masking import MOST_CHARACTERS, MOST_TOKENS, WILDCARD

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,}")
MOST_WORDS: Final = 3


def template_regex(template: str, *, cut: bool = False) -> str:
    """Anchored at both ends; `cut` if messages may go on beyond what was looked at."""
    parts = [_token_regex(token) for token in template.split(" ")]
    open_end = cut or len(parts) > MOST_TOKENS
    return r"(?s)^\s*" + r"\s+".join(parts) + (".*$" if open_end else r"\s*$")


def template_is_cut(sample: str) -> bool:
    """Whether the sample of a template was longer than what is looked at."""
    return len(sample) >= MOST_CHARACTERS


def template_words(template: str) -> list[str]:
    """The longest words that each message holds, at most MOST_WORDS."""
    words = dict.fromkeys(_WORD.findall(template.replace(WILDCARD, " ")))
    return sorted(words, key=lambda word: -len(word))[:MOST_WORDS]


def _token_regex(token: str) -> str:
    return ".*?".join(re.escape(part) for part in token.split(WILDCARD))
