"""Query text to a checked syntax tree, or an error that names line and column."""

from functools import cache, lru_cache
from typing import Final

from lark import Lark, Token, UnexpectedToken

from telemetry.logql.ast import Expr, LogSelector, nesting_depth
from telemetry.logql.builder import Builder
from telemetry.logql.errors import ParseError
from telemetry.logql.tokens import SHOWN, LogqlLexer
from telemetry.model.errors import LimitExceeded
from telemetry.model.labels import Matcher

MAX_TEXT: Final = 65_536
"""Characters of a query."""
MAX_DEPTH: Final = 64
"""Levels of nesting; what evaluates a tree recurses once or a few times a level."""
QUERY_TEXT: Final = "query_text"
QUERY_DEPTH: Final = "query_depth"
"""Names of these limits in LimitExceeded."""
_MOST_EXPECTED: Final = 4
_AS_FUNCTION: Final = frozenset({"RANGE_FUNCTION", "AGGREGATION", "CONVERSION"})


@lru_cache(maxsize=512)
def parse(text: str) -> Expr:
    """Checked syntax tree of `text`; every node is shared and immutable.

    Raises ParseError; LimitExceeded for text that is too long or nested too deeply.
    """
    expr = _parsed(text)
    depth = nesting_depth(expr)
    if depth > MAX_DEPTH:
        raise LimitExceeded(f"query is nested {depth} levels deep, the limit is {MAX_DEPTH}", limit_name=QUERY_DEPTH)
    return expr


def parse_log_query(text: str) -> LogSelector:
    """Syntax tree of a query for lines. Raises as `parse`, and ParseError for a metric query."""
    expr = parse(text)
    if not isinstance(expr, LogSelector):
        raise ParseError("only log selector is supported")
    return expr


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Matchers of a bare stream selector; `{}` and nothing at all select every stream. Raises ParseError."""
    if text.strip() in ("", "{}"):
        return ()
    expr = parse(text)
    if not isinstance(expr, LogSelector) or expr.stages:
        raise ParseError("only label matchers is supported")
    return expr.matchers


def _parsed(text: str) -> Expr:
    if len(text) > MAX_TEXT:
        raise LimitExceeded(f"query has {len(text)} characters, the limit is {MAX_TEXT}", limit_name=QUERY_TEXT)
    try:
        return _parser().parse(text)  # type: ignore[return-value]  # the builder returns nodes where lark expects trees
    except UnexpectedToken as error:
        raise _explained(text, error) from error


def _explained(text: str, error: UnexpectedToken) -> ParseError:
    token = error.token
    position = len(text) if token.type == "$END" else int(token.start_pos or 0)
    sentence = f"syntax error: unexpected {_shown(token)}"
    expected = sorted(_name(kind) for kind in error.expected)
    if 0 < len(expected) <= _MOST_EXPECTED:
        sentence += ", expecting " + " or ".join(expected)
    return ParseError.at(text, position, sentence)


def _shown(token: Token) -> str:
    return str(token).lower() if token.type in _AS_FUNCTION else _name(token.type)


def _name(kind: str) -> str:
    return SHOWN.get(kind, kind)


@cache
def _parser() -> Lark:
    """The LALR parser, built on first use (about 0.05 s)."""
    return Lark.open("grammar.lark", rel_to=__file__, parser="lalr", lexer=LogqlLexer, transformer=Builder())
