"""Scripts in the notation of promqltest, as far as our own use it.

    load 1m
      up{job="x"} 1 0+2x3 _ stale

    eval range from 0 to 4m step 1m sum(up)
      {} 1 0 2 4 6

Source: https://github.com/prometheus/prometheus/blob/main/promql/promqltest/README.md
"""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from telemetry.model.labels import Labels, labels_from
from telemetry.model.samples import STALE_NAN
from telemetry.model.time import TimeGrid
from telemetry.promql.durations import parse_duration_ms
from telemetry.promql.parser import parse_selector

Row = tuple[Labels, list[float | None]]
"""Labels and values at every step, None where there is none."""

_INSTANT: Final = re.compile(r"eval instant at (\S+) (.+)")
_RANGE: Final = re.compile(r"eval range from (\S+) to (\S+) step (\S+) (.+)")
_WINDOW: Final = re.compile(r"expect range vector from (\S+) to (\S+) step (\S+)")
_NOTE: Final = re.compile(r"expect (warn|info|fail) msg:(.+)")
_REPEATED: Final = re.compile(r"([^x]+?)(?:([+-][\d.]+))?x(\d+)")


@dataclass
class Load:
    step_ms: int
    rows: list[Row] = field(default_factory=list)


@dataclass
class Evaluation:
    """A query with the answer it is to have."""

    line: int
    expression: str
    grid: TimeGrid
    is_range: bool
    rows: list[Row] = field(default_factory=list)
    scalar: float | None = None
    samples_grid: TimeGrid | None = None
    """Times of the samples, for a range vector at one time."""
    ordered: bool = False
    failure: str = ""
    warnings: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)


def read_script(path: Path) -> list[Load | Evaluation]:
    """The commands of a script."""
    commands: list[Load | Evaluation] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("load "):
            commands.append(Load(parse_duration_ms(text.removeprefix("load "))))
        elif text.startswith("eval "):
            commands.append(_evaluation(number, text))
        else:
            _add(commands[-1], text)
    return commands


def _evaluation(number: int, text: str) -> Evaluation:
    if found := _RANGE.fullmatch(text):
        return Evaluation(number, found[4], _grid(*found.groups()[:3]), is_range=True)
    found = _INSTANT.fullmatch(text)
    assert found, text
    at = parse_duration_ms(found[1])
    return Evaluation(number, found[2], TimeGrid(at, at, 1), is_range=False)


def _grid(start: str, end: str, step: str) -> TimeGrid:
    return TimeGrid(parse_duration_ms(start), parse_duration_ms(end), parse_duration_ms(step))


def _add(command: Load | Evaluation, text: str) -> None:
    if isinstance(command, Load):
        command.rows.append(_row(text))
    elif found := _WINDOW.fullmatch(text):
        command.samples_grid = _grid(*found.groups())
    elif found := _NOTE.fullmatch(text):
        _note(command, found[1], found[2])
    elif text == "expect ordered":
        command.ordered = True
    elif re.fullmatch(r"\S+", text) and "{" not in text and text[0] in "-+.0123456789NI":
        command.scalar = float(text)
    else:
        command.rows.append(_row(text))


def _note(command: Evaluation, kind: str, text: str) -> None:
    if kind == "fail":
        command.failure = text
    else:
        (command.warnings if kind == "warn" else command.infos).append(text)


def _row(text: str) -> Row:
    series, _, values = text.rpartition("}") if "}" in text else text.partition(" ")
    series = f"{series}}}" if "}" in text else series
    return _labels(series), [value for word in values.split() for value in _values(word)]


def _labels(series: str) -> Labels:
    if series == "{}":
        return ()
    return labels_from([(matcher.name, matcher.value) for matcher in parse_selector(series).matchers])


def _values(word: str) -> list[float | None]:
    found = _REPEATED.fullmatch(word)
    if not found:
        return [_value(word)]
    first, step = _value(found[1]), float(found[2] or 0)
    return [None if first is None else first + step * number for number in range(int(found[3]) + 1)]


def _value(word: str) -> float | None:
    if word == "_":
        return None
    return STALE_NAN if word == "stale" else float(word)


def alike(one: float, other: float) -> bool:
    """Equal but for the last digits; NaN is like NaN, and zeros keep their sign."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    if one == 0 and other == 0:
        return math.copysign(1, one) == math.copysign(1, other)
    return math.isclose(one, other, rel_tol=1e-13)
