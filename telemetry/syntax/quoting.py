"""String literals: Go's escapes between quotes, nothing between backquotes."""

import re
from typing import Final

_ESCAPE: Final = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\'\"])|x(?P<byte>[0-9a-fA-F]{2})|(?P<octal>[0-7]{3})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<bad>.?))",
    re.DOTALL,
)
_SIMPLE: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_PRINTED: Final = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def unquote(literal: str) -> str:
    """Value of a string literal with its quotes. Bytes that are not UTF-8 become lone surrogates.

    Raises ValueError for an escape that Go does not know.
    """
    quote, body = literal[0], literal[1:-1]
    if quote == "`" or "\\" not in body:
        return body
    encoded = _ESCAPE.sub(lambda found: _unescape(found, quote), body)
    return encoded.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _unescape(found: re.Match[str], quote: str) -> str:
    kind = found.lastgroup
    text = found.group(kind) if kind else ""
    if kind == "simple" and (text not in "'\"" or text == quote):
        return _SIMPLE.get(text, text)
    if kind == "byte":
        return bytes([int(text, 16)]).decode("utf-8", "surrogateescape")
    if kind == "octal" and int(text, 8) < 256:
        return bytes([int(text, 8)]).decode("utf-8", "surrogateescape")
    if kind in ("short", "long") and _is_character(int(text, 16)):
        return chr(int(text, 16))
    raise ValueError(f"unknown escape sequence {_named(found.group(0)[1:2])}" if kind == "bad" else "invalid syntax")


def _named(character: str) -> str:
    """`U+0071 'q'`, as Go shows a character."""
    return f"U+{ord(character):04X} '{character}'" if character else "at the end"


def _is_character(code: int) -> bool:
    return code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF


def quote(text: str) -> str:
    """Double-quoted literal of `text`, as Go prints it."""
    return '"' + "".join(_printed(character) for character in text) + '"'


def _printed(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    if character in _PRINTED:
        return _PRINTED[character]
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable():
        return character
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
