"""Every pair of colours that meets on a page is legible in both themes (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from itertools import pairwise, product
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[3] / "dashboard" / "static" / "css" / "tokens.css"
COLOURS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", TOKENS.read_text())
}

SURFACES = ("bg", "surface", "sunken", "raised")
STATES = ("ok", "warn", "crit", "info", "sim")
TEXT = [
    *product(("ink", "ink-2", "ink-3"), SURFACES),
    *product(("accent",), ("bg", "surface", "sunken", "raised")),
    ("accent-strong", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("ink", "mark"),
    *((state, f"{state}-soft") for state in STATES),
    *(("ink", f"{state}-soft") for state in STATES),
    *product(STATES, ("surface", "bg")),
]
GRAPHICS = [
    *((f"series-{number}", "surface") for number in range(1, 9)),
    ("line-strong", "surface"),
    ("line-strong", "bg"),
    ("accent", "bg"),
]


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_has_the_greatest_contrast_there_is() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), TEXT)
def test_text_stands_out_from_what_it_is_written_on(ink: str, paper: str, theme: str) -> None:
    assert contrast(COLOURS[ink][theme], COLOURS[paper][theme]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("mark", "paper"), GRAPHICS)
def test_lines_and_borders_of_controls_stand_out(mark: str, paper: str, theme: str) -> None:
    assert contrast(COLOURS[mark][theme], COLOURS[paper][theme]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_neighbouring_series_differ_in_lightness(theme: str) -> None:
    shades = [luminance(COLOURS[f"series-{number}"][theme]) for number in range(1, 9)]
    assert all(abs(one - other) > 0.01 for one, other in pairwise(shades))
