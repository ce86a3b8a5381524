"""The templates of rules, which are Go's: text to a tree. Pure.

Source: https://pkg.go.dev/text/template and
https://prometheus.io/docs/prometheus/latest/configuration/template_reference/
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from policies.rules.template_functions import FUNCTIONS
from telemetry.model.errors import InvalidInput

GIVEN: Final = ("labels", "externalLabels", "externalURL", "value")
"""Variables that every template of a rule has."""


class TemplateProblem(InvalidInput):
    """A template that cannot be read, or that failed while it was expanded."""


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Path:
    """`.a.b`, `$name.a.b` or the fields of a value in parentheses."""

    start: "str | Pipeline"
    """'' for the dot, otherwise the name of a variable."""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    function: str


@dataclass(frozen=True, slots=True)
class Command:
    """A value, or a function with arguments."""

    words: "tuple[Literal | Path | Call, ...]"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Each command gets the value of the one before it as its last argument."""

    commands: tuple[Command, ...]
    declares: tuple[str, ...] = ()
    assigns: bool = False
    """`=` instead of `:=`."""


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    pipeline: Pipeline


@dataclass(slots=True)
class Block:
    """`if`, `with` or `range`."""

    word: str
    pipeline: Pipeline
    body: "list[Node]" = field(default_factory=list)
    otherwise: "list[Node]" = field(default_factory=list)


Node = Text | Output | Block

_ACTION: Final = re.compile(r"\{\{(-(?=\s))?(.*?)((?<=\s)-)?\}\}", re.DOTALL)
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`)|(?P<char>'(?:\\.|[^'\\])')|(?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+))"""
    r"""|(?P<variable>\$\w*(?:\.\w+)*)|(?P<dots>\.\w+(?:\.\w+)*)|(?P<dot>\.)|(?P<word>[A-Za-z_]\w*)|(?P<sign>:=|=|\||\(|\)|,))"""
)
_COMMENT: Final = re.compile(r"\s*/\*.*\*/\s*", re.DOTALL)
_WORDS: Final = {"true": True, "false": False, "nil": None}
_MOST_DEPTH: Final = 40


@lru_cache(maxsize=4096)
def parse_template(text: str) -> tuple[Node, ...]:
    """Nodes of a template. Raises TemplateProblem for what Go would not parse."""
    return tuple(_Parser(text).nodes())


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._variables: list[set[str]] = [{"", *GIVEN}]

    def nodes(self) -> list[Node]:
        root: list[Node] = []
        stack: list[tuple[Block, list[Node]]] = []
        into, position, trim = root, 0, False
        for action in _ACTION.finditer(self._text):
            self._add_text(into, self._text[position : action.start()], trim, bool(action[1]))
            position, trim = action.end(), bool(action[3])
            if not _COMMENT.fullmatch(action[2]):
                into = self._action(_tokens(action[2]), stack, into)
        rest = self._text[position:]
        if "{{" in rest:
            raise TemplateProblem("unclosed action")
        self._add_text(into, rest, trim, False)
        if stack:
            raise TemplateProblem("unexpected EOF: an action without {{end}}")
        return root

    def _add_text(self, into: list[Node], text: str, left: bool, right: bool) -> None:
        text = text.lstrip() if left else text
        text = text.rstrip() if right else text
        if text:
            into.append(Text(text))

    def _action(self, tokens: "_Tokens", stack: list[tuple[Block, list[Node]]], into: list[Node]) -> list[Node]:
        word = tokens.peek_word()
        if word in ("if", "with", "range"):
            tokens.take()
            return self._open(word, tokens, stack, into)
        if word == "else":
            tokens.take()
            return self._otherwise(tokens, stack)
        if word == "end":
            tokens.take()
            tokens.done()
            return self._close(stack)
        if word in ("define", "template", "block", "break", "continue"):
            raise TemplateProblem(f"{{{{{word}}}}} is not supported in rules")
        into.append(Output(self._pipeline(tokens, 0)))
        tokens.done()
        return into

    def _open(
        self, word: str, tokens: "_Tokens", stack: list[tuple[Block, list[Node]]], into: list[Node]
    ) -> list[Node]:
        if len(stack) >= _MOST_DEPTH:
            raise TemplateProblem("actions are nested too deeply")
        self._variables.append(set())
        block = Block(word, self._pipeline(tokens, 0))
        tokens.done()
        into.append(block)
        stack.append((block, into))
        return block.body

    def _otherwise(self, tokens: "_Tokens", stack: list[tuple[Block, list[Node]]]) -> list[Node]:
        if not stack or stack[-1][0].otherwise:
            raise TemplateProblem("unexpected {{else}}")
        block, outer = stack[-1]
        if tokens.peek_word() != "if":
            tokens.done()
            return block.otherwise
        tokens.take()
        chained = Block("if", self._pipeline(tokens, 0))
        tokens.done()
        block.otherwise.append(chained)
        stack[-1] = chained, outer  # one {{end}} closes the whole chain
        return chained.body

    def _close(self, stack: list[tuple[Block, list[Node]]]) -> list[Node]:
        if not stack:
            raise TemplateProblem("unexpected {{end}}")
        self._variables.pop()
        return stack.pop()[1]

    def _pipeline(self, tokens: "_Tokens", depth: int) -> Pipeline:
        if depth > _MOST_DEPTH:
            raise TemplateProblem("parentheses are nested too deeply")
        declares, assigns = self._declarations(tokens)
        commands = [self._command(tokens, depth)]
        while tokens.take_sign("|"):
            commands.append(self._command(tokens, depth))
            if not isinstance(commands[-1].words[0], Call):
                raise TemplateProblem("non executable command in pipeline")
        return Pipeline(tuple(commands), declares, assigns)

    def _declarations(self, tokens: "_Tokens") -> tuple[tuple[str, ...], bool]:
        names = tokens.take_declared()
        if not names:
            return (), False
        assigns = tokens.take_sign("=")
        if not assigns:
            tokens.take_sign(":=")
            self._variables[-1].update(names)
        for name in names:
            self._check_variable(name)
        return names, assigns

    def _command(self, tokens: "_Tokens", depth: int) -> Command:
        words: list[Literal | Path | Call] = []
        while (kind := tokens.kind()) and not (kind == "sign" and tokens.peek() in ("|", ")")):
            words.append(self._word(kind, tokens, depth))
        if not words:
            raise TemplateProblem("missing value for command")
        if len(words) > 1 and isinstance(words[0], Literal):
            raise TemplateProblem(f"can't give argument to non-function {words[0].value!r}")
        return Command(tuple(words))

    def _word(self, kind: str, tokens: "_Tokens", depth: int) -> Literal | Path | Call:
        token = tokens.take()
        match kind:
            case "string" | "char" | "number" | "word":
                return _CONSTANTS[kind](token)
            case "variable":
                name, *fields = token[1:].split(".")
                self._check_variable(name)
                return Path(name or "$", tuple(fields))
            case "dots" | "dot":
                return Path("", tuple(token[1:].split(".")) if kind == "dots" else ())
        return self._parenthesis(token, tokens, depth)

    def _parenthesis(self, token: str, tokens: "_Tokens", depth: int) -> Path:
        if token != "(":  # noqa: S105 - a word of the template
            raise TemplateProblem(f"unexpected {token!r} in command")
        inside = self._pipeline(tokens, depth + 1)
        if not tokens.take_sign(")"):
            raise TemplateProblem("unclosed left paren")
        if tokens.kind() == "dots" and tokens.is_attached():
            return Path(inside, tuple(tokens.take()[1:].split(".")))
        return Path(inside)

    def _check_variable(self, name: str) -> None:
        if not any(name in scope for scope in self._variables):
            raise TemplateProblem(f'undefined variable "${name}"')


class _Tokens:
    def __init__(self, tokens: list[tuple[str, str, bool]]) -> None:
        self._tokens = tokens
        self._at = 0

    def kind(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def peek_word(self) -> str:
        return self.peek() if self.kind() == "word" else ""

    def is_attached(self) -> bool:
        """Whether no space stands before the next token."""
        return self._tokens[self._at][2]

    def take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1][1]

    def take_sign(self, sign: str) -> bool:
        if self.kind() == "sign" and self.peek() == sign:
            self._at += 1
            return True
        return False

    def take_declared(self) -> tuple[str, ...]:
        """Names before `:=` or `=`, which stays; () if nothing is declared here."""
        words = self._tokens[self._at : self._at + 4]
        for count in (1, 3):
            sign = words[count][1] if len(words) > count else ""
            names = words[:count:2]
            if sign in (":=", "=") and all(kind == "variable" and "." not in text for kind, text, _ in names):
                self._at += count
                return tuple(text[1:] for _, text, _ in names)
        return ()

    def done(self) -> None:
        if self.kind():
            raise TemplateProblem(f"unexpected {self.peek()!r} in action")


def _tokens(text: str) -> _Tokens:
    found: list[tuple[str, str, bool]] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        token = _TOKEN.match(text, position)
        if token is None or not token.lastgroup:
            raise TemplateProblem(f"unexpected {text[position:].strip()[:20]!r} in action")
        word = token[token.lastgroup]
        found.append((token.lastgroup, word, token.end() - token.start() == len(word)))
        position = token.end()
    return _Tokens(found)


def _named(word: str) -> Literal | Call:
    if word in _WORDS:
        return Literal(_WORDS[word])
    if word not in FUNCTIONS:
        raise TemplateProblem(f'function "{word}" not defined')
    return Call(word)


def _string(token: str) -> str:
    if token[0] == "`":
        return token[1:-1]
    try:
        return str(json.loads(token.replace("\\'", "'").replace("\t", "\\t")))
    except ValueError as error:
        raise TemplateProblem(f"invalid string {token}") from error


def _number(token: str) -> int | float:
    try:
        return int(token, 0)
    except ValueError:
        return float(token)


_CONSTANTS: Final[dict[str, Callable[[str], Literal | Call]]] = {
    "string": lambda token: Literal(_string(token)),
    "char": lambda token: Literal(ord(_string(f'"{token[1:-1]}"'))),
    "number": lambda token: Literal(_number(token)),
    "word": _named,
}
