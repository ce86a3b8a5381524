"""Template text to a tree.

Source: https://pkg.go.dev/text/template
"""

import re
from collections.abc import Collection
from typing import Final

from telemetry.logql.templates.nodes import (
    Action,
    Branch,
    Command,
    Constant,
    Dot,
    Fields,
    Function,
    Node,
    Operand,
    Pipeline,
    TemplateError,
    Text,
    Variable,
)
from telemetry.syntax.quoting import unquote

_ACTION: Final = re.compile(
    r"\{\{(?P<left>- )?(?:(?P<comment>\s*/\*.*?\*/\s*)|"
    r"(?P<body>(?:`[^`]*`|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|(?!\}\}).)*?))"
    r"(?P<right> -)?\}\}",
    re.DOTALL,
)
_WORD: Final = re.compile(
    r"(?P<space>\s+)|(?P<string>`[^`]*`|\"(?:\\.|[^\"\\\n])*\")|(?P<char>'(?:\\.|[^'\\\n])+')"
    r"|(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.]))"
    r"|(?P<field>\.[^\W\d]\w*)|(?P<dot>\.)|(?P<variable>\$\w*)|(?P<name>[^\W\d]\w*)|(?P<sign>:=|=|[(),|])"
)
_MOST_DEPTH: Final = 40
_BLOCKS: Final = frozenset({"if", "with", "range"})
_UNSUPPORTED: Final = frozenset({"define", "template", "block", "break", "continue"})

Word = tuple[str, str]


def parse_template(text: str, functions: Collection[str]) -> tuple[Node, ...]:
    """Tree of `text`; `functions` are the names that may be called. Raises TemplateError."""
    return _Blocks(_pieces(text), functions).parse()


def _pieces(text: str) -> list[tuple[str, str]]:
    """("text" | "action", content), white space trimmed where `{{- ` and ` -}}` ask for it."""
    pieces: list[tuple[str, str]] = []
    position, trim = 0, False
    while (start := text.find("{{", position)) >= 0:
        found = _ACTION.match(text, start)
        if found is None:
            raise TemplateError("unclosed action")
        before = text[position:start]
        before = before.lstrip() if trim else before
        pieces.append(("text", before.rstrip() if found["left"] else before))
        if found["comment"] is None:
            pieces.append(("action", found["body"].strip()))
        position, trim = found.end(), bool(found["right"])
    rest = text[position:]
    pieces.append(("text", rest.lstrip() if trim else rest))
    return [piece for piece in pieces if piece[0] == "action" or piece[1]]


class _Blocks:
    """Builds nested blocks from a flat list of pieces, with a stack instead of recursion."""

    def __init__(self, pieces: list[tuple[str, str]], functions: Collection[str]) -> None:
        self._pieces = pieces
        self._functions = functions
        self._stack: list[_Open] = [_Open("", Pipeline(()))]

    def parse(self) -> tuple[Node, ...]:
        for kind, content in self._pieces:
            if kind == "text":
                self._stack[-1].add(Text(content))
            else:
                self._action(content)
        if len(self._stack) > 1:
            raise TemplateError("unexpected EOF")
        return tuple(self._stack[0].body)

    def _action(self, content: str) -> None:
        words = _words(content)
        keyword = words[0][1] if words and words[0][0] == "name" else ""
        if keyword in _BLOCKS:
            self._open(keyword, words[1:])
        elif keyword == "else":
            self._else(words[1:])
        elif keyword == "end":
            self._end()
        elif keyword in _UNSUPPORTED:
            raise TemplateError(f"{{{{{keyword}}}}} is not supported in templates of queries")
        else:
            self._stack[-1].add(Action(self._pipeline(words)))

    def _pipeline(self, words: list[Word]) -> Pipeline:
        return _Expression(words, self._functions).whole()

    def _open(self, kind: str, words: list[Word]) -> None:
        if len(self._stack) > _MOST_DEPTH:
            raise TemplateError(f"blocks are nested more than {_MOST_DEPTH} levels deep")
        self._stack.append(_Open(kind, self._pipeline(words)))

    def _else(self, words: list[Word]) -> None:
        top = self._stack[-1]
        if not top.kind or top.in_else:
            raise TemplateError("unexpected {{else}}")
        top.in_else = True
        words = [word for index, word in enumerate(words) if index or word[0] != "space"]
        if words:  # `else if x` is an if inside of else that the same end closes
            if words[0] not in (("name", "if"), ("name", "with")):
                raise TemplateError("unexpected word after else")
            self._open(words[0][1], words[1:])
            self._stack[-1].closes_with_outer = True

    def _end(self) -> None:
        if len(self._stack) == 1:
            raise TemplateError("unexpected {{end}}")
        while True:
            closed = self._stack.pop()
            self._stack[-1].add(closed.branch())
            if not closed.closes_with_outer:
                return


class _Open:
    """A block whose end has not come yet."""

    def __init__(self, kind: str, pipeline: Pipeline) -> None:
        self.kind = kind
        self.pipeline = pipeline
        self.body: list[Node] = []
        self.otherwise: list[Node] = []
        self.in_else = False
        self.closes_with_outer = False

    def add(self, node: Node) -> None:
        (self.otherwise if self.in_else else self.body).append(node)

    def branch(self) -> Branch:
        return Branch(self.kind, self.pipeline, tuple(self.body), tuple(self.otherwise))


def _words(content: str) -> list[Word]:
    words: list[Word] = []
    position = 0
    while position < len(content):
        found = _WORD.match(content, position)
        if found is None or found.lastgroup is None:
            raise TemplateError(f"unexpected {content[position]!r} in command")
        if found.lastgroup != "space" or (words and words[-1][0] != "space"):
            words.append((found.lastgroup, found.group(0)))
        position = found.end()
    return words


class _Expression:
    """Recursive descent over the words of one action; depth is limited."""

    def __init__(self, words: list[Word], functions: Collection[str]) -> None:
        self._words = words
        self._functions = functions
        self._at = 0
        self._depth = 0

    def whole(self) -> Pipeline:
        declares, assigns = self._declaration()
        pipeline = self._pipeline()
        if self._at < len(self._words):
            raise TemplateError(f"unexpected {self._words[self._at][1]!r} in operand")
        return Pipeline(pipeline.commands, declares, assigns)

    def _declaration(self) -> tuple[tuple[str, ...], bool]:
        """`$x :=`, `$i, $x :=` or `$x =` at the beginning."""
        signs = [word for word in self._words if word[0] != "space"]
        names = [word[1] for word in signs if word[0] == "variable"]
        for count in (1, 2):
            head = signs[: 2 * count]
            if len(head) == 2 * count and head[-1] in (("sign", ":="), ("sign", "=")):
                kinds = [word[0] for word in head[:-1]]
                if kinds == ["variable"] or (kinds == ["variable", "sign", "variable"] and head[1][1] == ","):
                    self._at = self._words.index(head[-1]) + 1
                    return tuple(names[:count]), head[-1][1] == "="
        return (), False

    def _peek(self) -> Word:
        return self._words[self._at] if self._at < len(self._words) else ("end", "")

    def _skip_space(self) -> None:
        while self._peek()[0] == "space":
            self._at += 1

    def _pipeline(self) -> Pipeline:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise TemplateError(f"parentheses are nested more than {_MOST_DEPTH} levels deep")
        commands = [self._command()]
        while self._peek() == ("sign", "|"):
            self._at += 1
            commands.append(self._command())
        self._depth -= 1
        for command in commands[1:]:
            if not isinstance(command.words[0], Function | Fields | Variable):
                raise TemplateError("non executable command in pipeline")
        return Pipeline(tuple(commands))

    def _command(self) -> Command:
        words: list[Operand] = []
        self._skip_space()
        while self._peek()[0] != "end" and self._peek() not in (("sign", "|"), ("sign", ")")):
            words.append(self._operand())
            self._skip_space()
        if not words:
            raise TemplateError("missing value for command")
        return Command(tuple(words))

    def _operand(self) -> Operand:
        operand = self._term()
        names: list[str] = []
        while self._peek()[0] == "field":
            names.append(self._peek()[1][1:])
            self._at += 1
        return Fields(operand, tuple(names)) if names else operand

    def _term(self) -> Operand:
        kind, text = self._peek()
        if kind == "field":
            return Dot()
        self._at += 1
        match kind:
            case "string" | "char":
                return _string(kind, text)
            case "number":
                return Constant(_number(text))
            case "dot":
                return Dot()
            case "variable":
                return Variable(text)
            case "name":
                return self._name(text)
        if text == "(":
            inner = self._pipeline()
            if self._peek() != ("sign", ")"):
                raise TemplateError("unclosed left paren")
            self._at += 1
            return inner
        raise TemplateError(f"unexpected {text!r} in operand")

    def _name(self, text: str) -> Operand:
        if text in ("true", "false"):
            return Constant(text == "true")
        if text == "nil":
            return Constant(None)
        if text not in self._functions:
            raise TemplateError(f'function "{text}" not defined')
        return Function(text)


def _string(kind: str, text: str) -> Constant:
    try:
        value = unquote(text)
    except ValueError as error:
        raise TemplateError(str(error)) from error
    return Constant(ord(value[0]) if kind == "char" and value else value)


def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    try:
        return int(plain, 0)
    except ValueError:
        return int(plain, 8) if plain.lstrip("+-").isdigit() and plain.lstrip("+-").startswith("0") else float(plain)
