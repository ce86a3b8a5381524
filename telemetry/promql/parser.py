"""Query text to a checked syntax tree, or an error that names line and column."""

from functools import cache, lru_cache
from typing import Final

from lark import Lark, UnexpectedCharacters, UnexpectedToken

from telemetry.model.errors import LimitExceeded
from telemetry.promql.ast import Expr, VectorSelector, nesting_depth
from telemetry.promql.builder import Builder, Misplaced
from telemetry.promql.errors import ParseError
from telemetry.promql.syntax_errors import explain_character, explain_token
from telemetry.promql.typecheck import check

MAX_TEXT: Final = 65_536
"""Characters of a query."""
QUERY_TEXT: Final = "query_text"
QUERY_DEPTH: Final = "query_depth"
"""Names of these limits in LimitExceeded."""
MAX_DEPTH: Final = 64
"""Levels of nesting (see `nesting_depth`); what evaluates a tree recurses once or a few times a level."""


@lru_cache(maxsize=512)
def parse(text: str) -> Expr:
    """Checked syntax tree of `text`; every node is shared and immutable.

    Raises ParseError; LimitExceeded for text that is too long or nested too deeply.
    """
    if len(text) > MAX_TEXT:
        raise LimitExceeded(f"query has {len(text)} characters, the limit is {MAX_TEXT}", limit_name=QUERY_TEXT)
    try:
        expr = _parser().parse(text)
    except UnexpectedToken as error:
        raise ParseError.at(text, *explain_token(text, error)) from error
    except UnexpectedCharacters as error:
        raise ParseError.at(text, *explain_character(text, error)) from error
    except Misplaced as error:
        raise ParseError.at(text, error.position, error.reason) from error
    depth = nesting_depth(expr)  # type: ignore[arg-type]  # the builder returns nodes where lark expects trees
    if depth > MAX_DEPTH:
        raise LimitExceeded(f"query is nested {depth} levels deep, the limit is {MAX_DEPTH}", limit_name=QUERY_DEPTH)
    check(text, expr)  # type: ignore[arg-type]
    return expr  # type: ignore[return-value]


def parse_selector(text: str) -> VectorSelector:
    """Series selector such as `up{job="x"}`, without offset or @. Raises ParseError."""
    expr = parse(text)
    if not isinstance(expr, VectorSelector) or expr.offset is not None or expr.at is not None:
        raise ParseError(f"expected a series selector, got {text[:100]!r}", line=1, column=1)
    return expr


@cache
def _parser() -> Lark:
    """The LALR parser, built on first use (about 0.2 s)."""
    return Lark.open(
        "grammar.lark",
        rel_to=__file__,
        parser="lalr",
        lexer="contextual",
        transformer=Builder(),
        maybe_placeholders=False,
    )
