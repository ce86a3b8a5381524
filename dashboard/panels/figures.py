"""Plotly figures as plain dicts, without a template: the page's script adds colours from the style sheet.

What the script reads: `layout.meta` (`title`, `unit_words`, `summary`, `time`) and `meta` of a trace, whose
`role` is a colour word of the style sheet ("crit", "accent"); a trace without one takes the next of the palette.
Names of layout shapes are roles too. Plain dicts are ten times faster than `plotly.graph_objects`, which tests use
to validate what is made here.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dashboard.panels.units import unit_named
from telemetry.model.time import TimeGrid

Figure = dict[str, Any]
Kind = Literal["line", "area", "bar"]

MOST_LINES: Final = 24
"""Lines of one figure; more cannot be told apart and are left to the table."""

DASHES: Final = ("solid", "dash", "dot", "dashdot")
"""The palette has eight colours; from the fifth line on the dash differs too."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series: `values` is float64[T] on the grid of the figure, NaN where there is none."""

    name: str
    values: ArrayLike
    role: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: a deployment, an alert. Drawn as an upright line with a diamond on top."""

    at_ms: int
    text: str
    role: str = "deploy"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A level drawn across, in the base unit of the figure."""

    value: float
    text: str
    role: str = "warn"


@dataclass(frozen=True, slots=True)
class Band:
    """Lower and upper limit around a line, float64[T] each; a forecast's interval."""

    name: str
    lower: ArrayLike
    upper: ArrayLike
    role: str = "accent"


@dataclass(frozen=True, slots=True)
class Style:
    """How a time series figure is drawn."""

    kind: Kind = "line"
    stacked: bool = False
    from_zero: bool = True
    stepped: bool = False
    """A value holds until the next, as counts of replicas do."""
    extras: dict[str, Any] = field(default_factory=dict)
    """Merged into the layout."""


PLAIN: Final = Style()


def time_series_figure(
    lines: Sequence[Line],
    grid: TimeGrid,
    *,
    title: str,
    unit: str = "",
    marks: Iterable[Mark] = (),
    thresholds: Sequence[Threshold] = (),
    bands: Sequence[Band] = (),
    style: Style = PLAIN,
) -> Figure:
    """Figure of values over time. Lines without any value are dropped; without lines `data` is empty."""
    columns = [(line, np.asarray(line.values, dtype=np.float64)) for line in lines]
    known = [(line, values) for line, values in columns if np.isfinite(values).any()]
    factor, words = unit_named(unit).scale_for(
        float(np.nanmax(np.abs(np.where(np.isfinite(v), v, np.nan)))) for _, v in known
    )
    data = [trace for band in bands for trace in _band_traces(band, grid, factor)] if known else []
    data += [
        _trace(line, values * factor, grid, place, style, words)
        for place, (line, values) in enumerate(known[:MOST_LINES])
    ]
    meta = {"title": title, "unit_words": words, "time": True, "summary": summary_of(known, factor, words)}
    if len(known) > MOST_LINES:
        meta["dropped"] = len(known) - MOST_LINES
    return {"data": data, "layout": _time_layout(grid, meta, marks, thresholds, factor, style)}


def bar_figure(names: Sequence[str], values: Sequence[float], *, title: str, unit: str = "", role: str = "") -> Figure:
    """Lying bars, the first name on top; the axis starts at zero."""
    factor, words = unit_named(unit).scale_for(values)
    scaled = [_rounded(value * factor) for value in values]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": scaled,
        "y": list(names),
        "meta": {"role": role},
        "hovertemplate": f"%{{y}}: %{{x:,.4~g}} {words}<extra></extra>",
    }
    summary = ", ".join(
        f"{name} {value:,.4g} {words}".strip() for name, value in list(zip(names, scaled, strict=True))[:8]
    )
    return {
        "data": [trace] if names else [],
        "layout": {
            "meta": {"title": title, "unit_words": words, "time": False, "summary": summary},
            "xaxis": {"rangemode": "tozero", "ticksuffix": _suffix(words)},
            "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
            "bargap": max(0.35, 1 - 0.1 * len(names)),
        },
    }


def summary_of(known: Sequence[tuple[Line, NDArray[np.float64]]], factor: float, words: str) -> str:
    """What a screen reader hears instead of the figure: least, mean, greatest and last of the first five lines."""
    return " ".join(_sentence(line.name, values * factor, words) for line, values in known[:5])


def _sentence(name: str, values: NDArray[np.float64], words: str) -> str:
    finite = values[np.isfinite(values)]
    numbers = f"min {finite.min():.3g}, average {finite.mean():.3g}, max {finite.max():.3g}, last {finite[-1]:.3g}"
    return f"{name}: {numbers} {words}".strip() + "."


def _trace(
    line: Line, values: NDArray[np.float64], grid: TimeGrid, place: int, style: Style, words: str
) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "bar" if style.kind == "bar" else "scatter",
        "name": line.name,
        "x0": iso(grid.start_ms),
        "dx": grid.step_ms,
        "y": rounded_list(values),
        "meta": {"role": line.role},
        "hovertemplate": f"%{{y:,.4~g}}{_suffix(words) or _spaced(words)}",
    }
    if line.hidden:
        trace["visible"] = "legendonly"
    if style.kind == "bar":
        return trace | {"offset": 0, "width": round(grid.step_ms * 0.9)}
    trace |= {
        "mode": "lines",
        "connectgaps": False,
        "line": {"width": 1.6, "dash": DASHES[place // 4 % len(DASHES)] if not line.role else "solid"},
    }
    if style.stepped:
        trace["line"]["shape"] = "hv"
    if _has_lone_points(values):
        trace |= {"mode": "lines+markers", "marker": {"size": 3}}
    if style.stacked:
        trace["stackgroup"] = "one"
    elif style.kind == "area":
        trace["fill"] = "tozeroy"
    return trace


def _band_traces(band: Band, grid: TimeGrid, factor: float) -> list[dict[str, Any]]:
    """An invisible lower edge and an upper edge that is filled down to it."""
    shared = {"type": "scatter", "mode": "lines", "x0": iso(grid.start_ms), "dx": grid.step_ms, "line": {"width": 0}}
    lower = rounded_list(np.asarray(band.lower, dtype=np.float64) * factor)
    upper = rounded_list(np.asarray(band.upper, dtype=np.float64) * factor)
    meta = {"role": band.role, "band": True}
    return [
        shared | {"name": f"{band.name}, lower", "y": lower, "meta": meta, "hoverinfo": "skip", "showlegend": False},
        shared | {"name": band.name, "y": upper, "meta": meta, "hoverinfo": "skip", "fill": "tonexty"},
    ]


def _time_layout(
    grid: TimeGrid,
    meta: dict[str, Any],
    marks: Iterable[Mark],
    thresholds: Sequence[Threshold],
    factor: float,
    style: Style,
) -> dict[str, Any]:
    inside = [mark for mark in marks if grid.start_ms <= mark.at_ms <= grid.end_ms]
    layout: dict[str, Any] = {
        "meta": meta,
        "xaxis": {"type": "date", "range": [iso(grid.start_ms), iso(grid.end_ms + _last_width(grid, style))]},
        "yaxis": {"rangemode": "tozero" if style.from_zero else "normal", "ticksuffix": _suffix(meta["unit_words"])},
        "shapes": [_upright(mark) for mark in inside] + [_across(level, factor) for level in thresholds],
        "annotations": [_diamond(mark) for mark in inside] + [_level_words(level, factor) for level in thresholds],
        "hovermode": "x unified",
    }
    if style.kind == "bar":
        layout |= {"barmode": "stack", "bargap": 0.12}
    return layout | style.extras


def _last_width(grid: TimeGrid, style: Style) -> int:
    """A bar stands for the time that follows its point, the last one too."""
    return grid.step_ms if style.kind == "bar" else 0


def _upright(mark: Mark) -> dict[str, Any]:
    at = iso(mark.at_ms)
    line = {"width": 1, "dash": "dot"}
    return {"type": "line", "name": mark.role, "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def _diamond(mark: Mark) -> dict[str, Any]:
    return {
        "name": mark.role, "x": iso(mark.at_ms), "y": 1, "yref": "paper", "yanchor": "bottom", "yshift": -4,
        "text": "◆", "showarrow": False, "hovertext": mark.text, "captureevents": True,
    }  # fmt: skip


def _across(level: Threshold, factor: float) -> dict[str, Any]:
    height = level.value * factor
    line = {"width": 1, "dash": "dash"}
    return {
        "type": "line",
        "name": level.role,
        "x0": 0,
        "x1": 1,
        "xref": "paper",
        "y0": height,
        "y1": height,
        "line": line,
    }


def _level_words(level: Threshold, factor: float) -> dict[str, Any]:
    return {
        "name": level.role, "x": 1, "xref": "paper", "xanchor": "right", "y": level.value * factor, "yanchor": "bottom",
        "text": level.text, "showarrow": False,
    }  # fmt: skip


def iso(at_ms: int) -> str:
    """Time in the form that Plotly reads as UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def rounded_list(values: NDArray[np.float64]) -> list[float | None]:
    """Five significant digits; None where there is no number, so that a gap stays a gap."""
    return [_rounded(value) if math.isfinite(value) else None for value in values.tolist()]


def _rounded(value: float) -> float:
    rounded = float(f"{value:.5g}")
    return rounded if math.isfinite(rounded) else value


def _has_lone_points(values: NDArray[np.float64]) -> bool:
    """Whether a value stands between two gaps, where a line alone would draw nothing."""
    finite = np.concatenate(([False], np.isfinite(values), [False]))
    return bool((finite[1:-1] & ~finite[:-2] & ~finite[2:]).any())


def _spaced(words: str) -> str:
    return f" {words}" if words else ""


def _suffix(words: str) -> str:
    return "%" if words == "%" else f" {words}" if words in ("ms", "µs", "s", "min") else ""
