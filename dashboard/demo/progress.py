"""Says how far it is: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

_WIDTH: Final = 28
_LINE_EVERY: Final = 0.1
"""Share of the whole between two plain lines."""


class Writable(Protocol):
    """Where words go: the standard output of a command."""

    def isatty(self) -> bool: ...

    def write(self, text: str, *, ending: str) -> object: ...


@dataclass(slots=True)
class Progress:
    """Counts what was acknowledged."""

    out: Writable
    clock: Callable[[], float] = time.monotonic
    samples: int = 0
    lines: int = 0
    _begun: float = 0.0
    _said: float = 0.0

    def __post_init__(self) -> None:
        self._begun = self.clock()

    def move(self, ratio: float, *, samples: int = 0, lines: int = 0) -> None:
        """`ratio` of the whole is done, 0 to 1; so much was added."""
        self.samples += samples
        self.lines += lines
        if self.out.isatty():
            self.out.write(f"\r{self._bar(ratio)} {self.words(ratio)}  ", ending="")
        elif ratio - self._said >= _LINE_EVERY or ratio >= 1 > self._said:
            self._said = ratio
            self.out.write(self.words(ratio), ending="\n")

    def live(self, *, samples: int, lines: int) -> None:
        """So much of the present was added; said on a terminal only."""
        self.samples += samples
        self.lines += lines
        if self.out.isatty():
            text = f"live: {_many(self.samples)} samples, {self.lines:,} log lines. Ctrl-C ends it"
            self.out.write(f"\r{text}  ", ending="")

    def words(self, ratio: float) -> str:
        """`43 %, 10.2 M samples, 94,000 log lines, 0:31`."""
        seconds = int(self.clock() - self._begun)
        return (
            f"{ratio:4.0%}, {_many(self.samples)} samples, {self.lines:,} log lines, {seconds // 60}:{seconds % 60:02}"
        )

    def end(self) -> None:
        """Leave the bar standing."""
        if self.out.isatty():
            self.out.write("", ending="\n")

    def _bar(self, ratio: float) -> str:
        full = round(_WIDTH * min(max(ratio, 0.0), 1.0))
        return f"[{'█' * full}{'·' * (_WIDTH - full)}]"


def _many(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 1_000_000 else f"{count:,}"
