"""Stack traces of Python, Java, Go and JavaScript as (exception type, message, frames).

Line numbers, addresses and argument values are left out of frames, so that a new release keeps an old error together.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_FRAMES: Final = 50
MOST_CHARACTERS: Final = 64 * 1024
"""Of a longer trace only the beginning and the end are looked at."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One call: `where` is a module or the end of a path, `function` its function."""

    where: str
    function: str
    own: bool
    """Whether it looks like code of the service and not of a library."""

    def __str__(self) -> str:
        return f"{self.function} in {self.where}"


@dataclass(frozen=True, slots=True)
class Trace:
    """What a trace says; `frames` begin where the exception was raised."""

    type: str
    message: str
    frames: tuple[Frame, ...]


_LIBRARY: Final = re.compile(
    r"site-packages|dist-packages|/lib/python|<frozen |node_modules|^node:|^internal/|/usr/local/go/|/go/pkg/mod/|"
    r"^(?:java|javax|jdk|sun|com\.sun|jakarta|kotlin|scala|org\.springframework|org\.apache|io\.netty|reactor)\.|"
    r"^runtime[./]"
)
_PYTHON_FRAME: Final = re.compile(r'^\s*File "([^"\n]{1,400})", line \d+(?:, in ([^\n]{1,200}))?', re.MULTILINE)
_PYTHON_LAST: Final = re.compile(r"^([A-Za-z_][\w.]{0,200})(?:: ?(.*))?$")
_JAVA_HEAD: Final = re.compile(
    r'^(?:Exception in thread "[^"\n]*" )?((?:[A-Za-z_$][\w$]*\.)+[A-Za-z_$][\w$]*)(?:: ?([^\n]*))?\n\s+at ',
    re.MULTILINE,
)
_JAVA_FRAME: Final = re.compile(r"^\s+at (?:[\w.$@-]+/)*([\w.$<>]{1,300})\.([\w$<>]{1,200})\(([^)\n]*)\)", re.MULTILINE)
_JS_HEAD: Final = re.compile(
    r"^(?:Uncaught )?([A-Z][\w$.]*)(?:: ?([^\n]*))?\n(?:(?!\s+at )[^\n]*\n){0,5}\s+at ", re.MULTILINE
)
_JS_FRAME: Final = re.compile(
    r"^\s+at (?:(?:async |new )?([^\s(]{1,200}) (?:\[as [^\]]*\] )?\()?([^()\n]{1,400}?):\d+:\d+\)?", re.MULTILINE
)
_GO_HEAD: Final = re.compile(r"^(?:panic|fatal error): ([^\n]*)", re.MULTILINE)
_GO_FRAME: Final = re.compile(
    r"^(?:created by )?([\w./*()\[\]-]{1,300}?)(?:\([^()\n]*\))?(?: in goroutine \d+)?\n\t(\S+\.go):\d+", re.MULTILINE
)


def read_trace(text: str) -> Trace | None:
    """The trace in `text`; None if there is none."""
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS // 2] + "\n" + text[-MOST_CHARACTERS // 2 :]
    for mark, read in _READERS:
        if mark in text and (trace := read(text)) is not None:
            return trace
    return None


def _python(text: str) -> Trace | None:
    """The last of chained tracebacks: what ended the work."""
    text = text[text.rindex("Traceback (most recent call last)") :]
    found = _PYTHON_FRAME.findall(text)[-MOST_FRAMES:]
    frames = tuple(_frame(path, function or "<module>") for path, function in reversed(found))
    for line in text.splitlines()[1:]:
        if line[:1].strip() and (last := _PYTHON_LAST.match(line)):
            return Trace(last[1], (last[2] or "").strip(), frames)
    return None


def _java(text: str) -> Trace | None:
    head = _JAVA_HEAD.search(text)
    if head is None:
        return None
    own = text[head.start() :].split("Caused by: ", 1)[0]
    found = _JAVA_FRAME.findall(own)[:MOST_FRAMES]
    frames = tuple(Frame(where, function, not _LIBRARY.search(where)) for where, function, _ in found)
    return Trace(head[1], (head[2] or "").strip(), frames)


def _javascript(text: str) -> Trace | None:
    head = _JS_HEAD.search(text)
    if head is None:
        return None
    found = _JS_FRAME.findall(text[head.start() :])[:MOST_FRAMES]
    return Trace(head[1], (head[2] or "").strip(), tuple(_frame(path, name or "<anonymous>") for name, path in found))


def _go(text: str) -> Trace | None:
    head = _GO_HEAD.search(text)
    if head is None:
        return None
    found = [pair for pair in _GO_FRAME.findall(text[head.start() :])[:MOST_FRAMES] if pair[0] != "panic"]
    return Trace("panic", head[1].strip(), tuple(_frame(path, function) for function, path in found))


_READERS: Final[tuple[tuple[str, Callable[[str], Trace | None]], ...]] = (
    ("Traceback (most recent call last)", _python),
    ("goroutine ", _go),
    (".java:", _java),
    ("\n\tat ", _java),
    ("\n    at ", _javascript),
)
"""(words that such a trace cannot be without, its reader)"""


def _frame(path: str, function: str) -> Frame:
    short = "/".join(path.replace("\\", "/").removeprefix("file://").split("/")[-2:])
    return Frame(short, function.strip(), not _LIBRARY.search(path))
