"""Sentences for text that does not parse, close to those of Prometheus."""

import re
from typing import Final

from lark import Token, UnexpectedCharacters, UnexpectedToken

_PLACES: Final[tuple[tuple[frozenset[str], str], ...]] = (
    (frozenset({"MATCH_OP"}), "label matching, expected label matching operator"),
    (frozenset({"LABEL", "STRING", "RBRACE"}), 'label matching, expected identifier or "}"'),
    (frozenset({"COMMA", "RBRACE"}), 'label matching, expected "," or "}"'),
    (frozenset({"LABEL", "STRING", "RPAR"}), "grouping opts, expected label"),
    (frozenset({"COMMA", "RPAR"}), 'grouping opts, expected "," or ")"'),
    (frozenset({"LPAR"}), 'grouping opts, expected "("'),
    (frozenset({"STRING"}), "label matching, expected string"),
    (frozenset({"AT_ANCHOR", "NUMBER", "DURATION", "ADD", "SUB"}), "@, expected timestamp"),
    (frozenset({"NUMBER", "DURATION"}), "@, expected timestamp"),
)
"""What the parser could have gone on with -> where it was; an exact match."""

_DURATION_STARTS: Final = frozenset({"DURATION", "NUMBER", "DURATION_WORD"})
_KINDS: Final = {"NUMBER": "number", "DURATION": "duration", "STRING": "string"}
_IDENTIFIERS: Final = frozenset({"METRIC", "LABEL", "FUNCTION"})
_QUOTED: Final = re.compile(r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`|#[^\n]*""", re.DOTALL)
_UNCLOSED: Final = {
    "{": "unexpected end of input inside braces",
    "[": "unclosed left bracket",
    "(": "unclosed left parenthesis",
}
_CLOSING: Final = {"}": "{", "]": "[", ")": "("}


def explain_token(text: str, error: UnexpectedToken) -> tuple[int, str]:
    """(position, sentence) for a token that cannot stand where it does."""
    token = error.token
    expected = frozenset(error.expected)
    if token.type == "$END":
        return len(text), _explain_end(text, expected, error)
    position = int(token.start_pos or 0)
    before = error.token_history[-1] if error.token_history else None
    if token.type == "RPAR" and before is not None and before.type == "COMMA" and "LABEL" not in expected:
        return int(before.start_pos or 0), "trailing commas not allowed in function call args"
    if token.type == "RPAR" and "(" not in _open_brackets(text[:position]):
        return position + 1, "unexpected right parenthesis ')'"
    return position, _unexpected(_describe(token), _place(expected, before))


def _explain_end(text: str, expected: frozenset[str], error: UnexpectedToken) -> str:
    if not _QUOTED.sub(lambda found: "" if found.group(0)[0] == "#" else "x", text).strip():
        return "no expression found in input"
    open_brackets = _open_brackets(text)
    if open_brackets:
        return _UNCLOSED[open_brackets[-1]]
    before = error.token_history[-1] if error.token_history else None
    return _unexpected("end of input", _place(expected, before))


def explain_character(text: str, error: UnexpectedCharacters) -> tuple[int, str]:
    """(position, sentence) for text that is no token at all."""
    position = int(error.pos_in_stream or 0)
    rest = text[position:]
    if rest[0] in "\"'`":
        return position, "unterminated raw string" if rest[0] == "`" else "unterminated quoted string"
    if rest[0].isdigit() or rest[0] == ".":
        word = re.match(r"[\w.]+", rest)
        return position, f'bad number or duration syntax: "{word.group(0)[:100] if word else rest[0]}"'
    inside = {"{": " inside braces", "[": " in duration expression"}
    open_brackets = _open_brackets(text[:position])
    place = inside.get(open_brackets[-1], "") if open_brackets else ""
    return position, f"unexpected character{place}: '{rest[0]}'"


def _unexpected(found: str, place: str) -> str:
    return f"unexpected {found}" + (f" in {place}" if place else "")


def _place(expected: frozenset[str], before: Token | None) -> str:
    for names, place in _PLACES:
        if expected == names:
            return place
    if expected >= _DURATION_STARTS and "STRING" not in expected:
        kind = before.type if before is not None else ""
        place = {"OFFSET": "offset", "LBRACKET": "subquery selector"}.get(kind, "duration expression")
        return f"{place}, expected number or duration"
    return ""


def _open_brackets(text: str) -> list[str]:
    """Brackets that nothing closes, outermost first."""
    stack: list[str] = []
    for character in _QUOTED.sub("", text):
        if character in "{[(":
            stack.append(character)
        elif character in _CLOSING and stack and stack[-1] == _CLOSING[character]:
            stack.pop()
    return stack


def _describe(token: Token) -> str:
    if token.type in _IDENTIFIERS:
        return f'identifier "{token[:100]}"'
    kind = _KINDS.get(token.type)
    if kind == "string":
        return f"string {token[:100]}"
    return f'{kind} "{token[:100]}"' if kind else f'"{token[:100]}"'
