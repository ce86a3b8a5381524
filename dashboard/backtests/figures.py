"""Figures of a back-test: violations against money, and the counts over time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dashboard.backtests.question import Question
from dashboard.panels.figures import Figure, Line, Style, time_series_figure
from telemetry.model.time import TimeGrid

Row = Mapping[str, Any]


def pareto_figure(result: Mapping[str, Any], address: Callable[[str], str]) -> Figure:
    """Points of violations against money; a click leads to `address(policy)`. The front is joined by a line."""
    rows: Sequence[Row] = result["results"]
    best = set(result["pareto"])
    front = sorted((row for row in rows if row["policy"] in best), key=lambda row: float(row["cost"]))
    others = [row for row in rows if row["policy"] not in best and not row["own"]]
    own = [row for row in rows if row["own"]]
    currency = result["currency"]
    traces = [
        _points("Candidates", others, "none", address, currency, {"size": 6, "opacity": 0.55}),
        _points("Best for the money", front, "accent", address, currency, {"size": 9}, line=True),
        _points("Policies asked for", own, "warn", address, currency, {"size": 13, "symbol": "diamond"}),
    ]
    if result["ran"]:
        ran = {"policy": "what really ran", **result["ran"]}
        traces.append(_points("What really ran", [ran], "crit", None, currency, {"size": 14, "symbol": "star"}))
    return {
        "data": [trace for trace in traces if trace["x"]],
        "layout": {
            "meta": {
                "title": "Violations against money",
                "unit_words": f"minutes above capacity against {currency}",
                "time": False,
                "links": True,
                "columns": ["policy", f"cost ({currency})", "minutes above capacity"],
                "summary": _summary(result, front),
            },
            "xaxis": {"title": {"text": f"cost, {currency}"}, "showgrid": True},
            "yaxis": {"title": {"text": "minutes above capacity"}, "rangemode": "tozero"},
            "hovermode": "closest",
        },
    }


def _points(
    name: str,
    rows: Sequence[Row],
    role: str,
    address: Callable[[str], str] | None,
    currency: str,
    marker: dict[str, Any],
    *,
    line: bool = False,
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": name,
        "mode": "lines+markers" if line else "markers",
        "x": [float(row["cost"]) for row in rows],
        "y": [row["slo_violation_minutes"] for row in rows],
        "text": [row["policy"] for row in rows],
        "customdata": [address(row["policy"]) if address else None for row in rows],
        "marker": marker,
        "line": {"width": 1.6, "shape": "hv"},
        "meta": {"role": role},
        "hovertemplate": f"%{{text}}<br>%{{x:,.4~f}} {currency}<br>%{{y:,.4~g}} minutes<extra></extra>",
    }


def _summary(result: Mapping[str, Any], front: Sequence[Row]) -> str:
    parts = [
        f"{row['policy']}: {row['cost']} {result['currency']}, {row['slo_violation_minutes']:g} minutes."
        for row in front[:5]
    ]
    return f"{len(result['results'])} policies, {len(front)} on the front. {' '.join(parts)}"


def counts_figure(question: Question, result: Mapping[str, Any], chosen: str) -> Figure:
    """Replicas over time: what really ran, the policies asked for, and the chosen one."""
    own = [row["policy"] for row in result["results"] if row["own"]]
    names = list(dict.fromkeys(name for name in [chosen, *own] if name in result["replicas"]))
    lines = [Line(name, _floats(result["replicas"][name]), role="accent" if name == chosen else "") for name in names]
    lines.append(Line("what really ran", _floats(result["ran_replicas"]), role="crit"))
    return time_series_figure(
        lines, _grid(question, result), title="Replicas", unit="replicas", style=Style(stepped=True)
    )


def load_figure(question: Question, result: Mapping[str, Any]) -> Figure:
    """The load that was replayed."""
    lines = [Line(result["load"]["name"], _floats(result["load"]["values"]), role="accent")]
    unit = "requests_per_second" if question.load == "requests" else "cores" if question.load == "cpu" else ""
    return time_series_figure(
        lines, _grid(question, result), title="Load that was replayed", unit=unit, style=Style(kind="area")
    )


def _grid(question: Question, result: Mapping[str, Any]) -> TimeGrid:
    points = len(result["load"]["values"])
    stride = max(1, -(-result["load"]["steps"] // points))
    step_ms = question.step_seconds * 1000 * stride
    return TimeGrid(question.start_ms, question.start_ms + step_ms * (points - 1), step_ms)


def _floats(values: Sequence[float | None]) -> Any:
    return np.array([np.nan if one is None else one for one in values])
