"""The path of a small line, computed here so that it needs no script."""

import math
from collections.abc import Sequence
from typing import Final

WIDTH: Final = 100.0
HEIGHT: Final = 24.0
MARGIN: Final = 2.0


def sparkline_paths(values: Sequence[float | None]) -> tuple[str, str]:
    """SVG path data of the line and of the area below it, in a box of WIDTH by HEIGHT; ("", "") without values.

    None and NaN are gaps. The scale starts at zero unless a value is negative; a lone value is drawn as a dot.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return "", ""
    low, high = min(0.0, *known), max(0.0, *known)
    across = WIDTH / max(len(values) - 1, 1)
    span = (high - low) or 1.0
    points = [
        (round(place * across, 1), round(HEIGHT - MARGIN - (value - low) / span * (HEIGHT - 2 * MARGIN), 1))
        if value is not None and math.isfinite(value)
        else None
        for place, value in enumerate(values)
    ]
    pieces = _pieces(points)
    return "".join(map(_line, pieces)), "".join(_area(piece) for piece in pieces if len(piece) > 1)


def _pieces(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    pieces: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is not None:
            pieces[-1].append(point)
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _line(piece: Sequence[tuple[float, float]]) -> str:
    if len(piece) == 1:
        return f"M{piece[0][0]:g} {piece[0][1]:g}h0.1"
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in piece)


def _area(piece: Sequence[tuple[float, float]]) -> str:
    return f"{_line(piece)}L{piece[-1][0]:g} {HEIGHT:g}L{piece[0][0]:g} {HEIGHT:g}Z"
