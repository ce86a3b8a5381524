"""Sentences for text that does not parse, close to those of Prometheus."""

import re
from typing import Final

from lark import Token, UnexpectedCharacters, UnexpectedToken

_PLACES: Final[tuple[tuple[frozenset[str], str], ...]] = (
    (frozenset({"MATCH_OP"}), "label matching, expected label matching operator"),
    (frozenset({"LABEL", "STRING", "RBRACE"}), "label matching, expected identifier or \"}\""),
    (frozenset({"COMMA", "RBRACE"}), "label matching, expected \",\" or \"}\""),
    (frozenset({"LABEL", "STRING", "RPAR"}), "grouping opts, expected label or \")\""),
    (frozenset({"LABEL", "STRING"}), "grouping opts, expected label"),
    (frozenset({"COMMA", "RPAR"}), "grouping opts, expected \",\" or \")\""),
    (frozenset({"LPAR"}), "grouping opts, expected \"(\""),
    (frozenset({"STRING"}), "label matching, expected string"),
    (frozenset({"AT_ANCHOR", "NUMBER", "DURATION", "ADD", "SUB"}), "@, expected timestamp"),
    (frozenset({"NUMBER", "DURATION"}), "@, expected timestamp"),
    (frozenset({"LPAR", "BY", "WITHOUT"}), "aggregation"),
)  # fmt: skip
"""What the parser could have gone on with -> where it was; an exact match."""

_DURATION_STARTS: Final = frozenset({"DURATION", "NUMBER", "DURATION_WORD"})
_KINDS: Final = {"NUMBER": "number", "DURATION": "duration", "STRING": "string", "METRIC": "identifier"}
_IDENTIFIERS: Final = frozenset({"METRIC", "LABEL", "FUNCTION"})


def explain_token(text: str, error: UnexpectedToken) -> str:
    """Sentence for a token that cannot stand where it does."""
    token = error.token
    expected = frozenset(error.expected)
    if token.type == "$END" and "$END" not in expected and not _content(text):
        return "no expression found in input"
    place = _place(expected)
    found = _describe(token)
    return f"unexpected {found}" + (f" in {place}" if place else "")


def explain_character(text: str, error: UnexpectedCharacters) -> str:
    """Sentence for text that is no token at all."""
    rest = text[error.pos_in_stream :]
    if rest[0] in "\"'`":
        return "unterminated quoted string" if rest[0] != "`" else "unterminated raw string"
    if rest[0].isdigit() or rest[0] == ".":
        word = re.match(r"[\w.]+", rest)
        return f"bad number or duration syntax: {word.group(0)[:100] if word else rest[0]!r}"
    place = _place(frozenset(error.allowed or ()))
    return f"unexpected character{f' in {place}' if place else ''}: {rest[0]!r}"


def _place(expected: frozenset[str]) -> str:
    for names, place in _PLACES:
        if expected == names:
            return place
    if expected >= _DURATION_STARTS and "STRING" not in expected:
        return "duration expression, expected duration"
    return ""


def _content(text: str) -> str:
    return re.sub(r"#[^\n]*", "", text).strip()


def _describe(token: Token) -> str:
    if token.type == "$END":
        return "end of input"
    if token.type in _IDENTIFIERS:
        return f'identifier "{token[:100]}"'
    kind = _KINDS.get(token.type)
    if kind == "string":
        return f"string {token[:100]}"
    return f'{kind} "{token[:100]}"' if kind else f'"{token[:100]}"'
