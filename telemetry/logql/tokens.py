"""LogQL text to tokens. Words are keywords wherever they stand; names of functions only before a parenthesis.

Source: https://grafana.com/docs/loki/latest/query/
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from lark import Token
from lark.lexer import Lexer

from telemetry.logql.conversions import parse_bytes, parse_duration_ns, parse_range_ns
from telemetry.logql.errors import ParseError
from telemetry.syntax.quoting import unquote

RANGE_FUNCTIONS: Final = (
    "rate", "rate_counter", "count_over_time", "bytes_rate", "bytes_over_time", "avg_over_time", "sum_over_time",
    "min_over_time", "max_over_time", "stdvar_over_time", "stddev_over_time", "quantile_over_time",
    "first_over_time", "last_over_time", "absent_over_time",
)  # fmt: skip
AGGREGATIONS: Final = (
    "sum", "avg", "max", "min", "count", "stddev", "stdvar", "bottomk", "topk", "sort", "sort_desc", "approx_topk",
)  # fmt: skip
CONVERSIONS: Final = ("bytes", "duration", "duration_seconds")
_FUNCTIONS: Final = {
    **dict.fromkeys(RANGE_FUNCTIONS, "RANGE_FUNCTION"),
    **dict.fromkeys(AGGREGATIONS, "AGGREGATION"),
    **dict.fromkeys(CONVERSIONS, "CONVERSION"),
    "label_replace": "LABEL_REPLACE",
    "vector": "VECTOR",
    "ip": "IP",
}
_KEYWORDS: Final = {
    word: word.upper()
    for word in (
        "by", "without", "bool", "offset", "on", "ignoring", "group_left", "group_right", "or", "and", "unless",
        "unwrap", "json", "regexp", "logfmt", "unpack", "pattern", "label_format", "line_format", "decolorize",
        "drop", "keep",
    )
}  # fmt: skip
_OPERATORS: Final = {
    ",": "COMMA", ".": "DOT", "{": "LBRACE", "}": "RBRACE", "(": "LPAR", ")": "RPAR", "]": "RBRACKET",
    "=": "EQ", "!=": "NEQ", "=~": "RE", "!~": "NRE", "!>": "NPA", "|=": "PIPE_EXACT", "|~": "PIPE_MATCH",
    "|>": "PIPE_PATTERN", "|": "PIPE", "+": "ADD", "-": "SUB", "*": "MUL", "/": "DIV", "%": "MOD", "^": "POW",
    "==": "CMP_EQ", ">": "GT", ">=": "GTE", "<": "LT", "<=": "LTE",
}  # fmt: skip
SHOWN: Final = {kind: text for text, kind in {**_OPERATORS, **_KEYWORDS, "ip": "IP"}.items()} | {
    "LABEL_REPLACE": "label_replace",
    "VECTOR": "vector",
    "$END": "$end",
}
"""How a kind of token is called in error messages; others by their name in capitals."""

_TOKEN: Final = re.compile(
    r"(?P<space>[ \t\r\n]+|\#[^\n]*)"
    r"|(?P<number>(?:0[xX](?:[0-9a-fA-F_]*\.?[0-9a-fA-F_]*(?:[pP][+-]?[0-9]+)?)|0[bB][01_]+|0[oO][0-7_]+"
    r"|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?))"
    r'|(?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`)'
    r"|(?P<range>\[[^\]]*\])"
    r"|(?P<flag>--(?:strict|keep-empty)(?![A-Za-z-]))"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<operator>!=|=~|!~|!>|\|=|\|~|\|>|==|>=|<=|[,.{}()=|+\-*/%^><\]])"
    r"|(?P<other>.)",
    re.DOTALL,
)
_CALLED: Final = re.compile(r"\s*(?:\(|(?:by|without)\s*\()", re.IGNORECASE)
_DURATION_REST: Final = re.compile(r"[0-9nuµmshdwy.]+")
_BYTES_REST: Final = re.compile(r"[0-9BikKMGTP.]+")


class LogqlLexer(Lexer):
    """What lark asks for tokens; values of literals stand in the tokens' text or beside it."""

    def __init__(self, _configuration: object) -> None:
        pass

    def lex(self, text: Any) -> Iterator[Token]:  # type: ignore[override]  # lark calls it so for lexers of others
        """Tokens of the text. Raises ParseError for what is none."""
        return tokens(str(text))


def tokens(text: str) -> Iterator[Token]:
    """All tokens but white space and comments."""
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise ParseError.at(text, position, "syntax error")
        token = _token(text, found)
        position = found.end() if token is None else int(token.end_pos or found.end())
        if token is not None:
            yield token


def _token(text: str, found: re.Match[str]) -> Token | None:
    start, word = found.start(), found.group(0)
    match found.lastgroup:
        case "space":
            return None
        case "number":
            return _number(text, start, word)
        case "string":
            return _string(text, start, word)
        case "range":
            return _range(text, start, word)
        case "flag":
            return _made("FLAG", word, start, found.end())
        case "word":
            return _made(_kind_of_word(text, word, found.end()), word, start, found.end())
        case "operator":
            return _operator(text, start, word)
    return _other(text, start, word)


def _made(kind: str, value: Any, start: int, end: int) -> Token:
    token = Token(kind, value if isinstance(value, str) else str(value), start_pos=start, end_pos=end)
    token.value = value
    return token


def _kind_of_word(text: str, word: str, end: int) -> str:
    lowered = word.lower()
    if lowered in _FUNCTIONS:
        return _FUNCTIONS[lowered] if _CALLED.match(text, end) else "IDENTIFIER"
    return _KEYWORDS.get(lowered, "IDENTIFIER")


def _number(text: str, start: int, word: str) -> Token:
    end = start + len(word)
    return _duration(text, start, end) or _bytes(text, start, end) or _made("NUMBER", word, start, end)


def _duration(text: str, start: int, end: int) -> Token | None:
    rest = _DURATION_REST.match(text, end)
    if rest is None:
        return None
    try:
        return _made("DURATION", parse_duration_ns(text[start : rest.end()]), start, rest.end())
    except ValueError:
        return None


def _bytes(text: str, start: int, end: int) -> Token | None:
    rest = _BYTES_REST.match(text, end)
    if rest is None:
        return None
    try:
        return _made("BYTES", parse_bytes(text[start : rest.end()]), start, rest.end())
    except ValueError:
        return None


def _operator(text: str, start: int, word: str) -> Token:
    if word == "-" and (negative := _duration(text, start, start + 1)):
        return negative
    return _made(_OPERATORS[word], word, start, start + len(word))


def _string(text: str, start: int, word: str) -> Token:
    try:
        return _made("STRING", unquote(word), start, start + len(word))
    except ValueError as error:
        raise ParseError.at(text, start, str(error)) from error


def _range(text: str, start: int, word: str) -> Token:
    try:
        return _made("RANGE", parse_range_ns(word[1:-1]), start, start + len(word))
    except ValueError as error:
        raise ParseError.at(text, start, str(error)) from error


def _other(text: str, start: int, word: str) -> Token:
    if word in '"`':
        raise ParseError.at(text, start, "literal not terminated")
    if word == "[":
        raise ParseError.at(text, start, "missing closing ']' in duration")
    return _made("IDENTIFIER" if word != "!" else "EXCLAMATION", word, start, start + 1)
