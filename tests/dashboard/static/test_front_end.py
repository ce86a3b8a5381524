"""The front end stays small, and nothing in it needs an exception from the content security policy."""

import gzip
import re
from pathlib import Path

import pytest

from dashboard.templatetags.icons import PATHS

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard"
SCRIPTS = sorted((DASHBOARD / "static" / "js").glob("*.js"))
STYLES = sorted((DASHBOARD / "static" / "css").glob("*.css"))
TEMPLATES = sorted((DASHBOARD / "templates").rglob("*.html"))


def compressed(paths: list[Path]) -> int:
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths)


def test_styles_fit_into_twenty_kilobytes() -> None:
    assert compressed(STYLES) <= 20_000


def test_our_scripts_fit_into_twenty_five_kilobytes() -> None:
    assert compressed(SCRIPTS) <= 25_000


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_what_a_module_imports_is_there(script: Path) -> None:
    for name in re.findall(r'from "\./([\w.-]+)";', script.read_text()):
        assert (script.parent / name).exists(), name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(DASHBOARD / "templates")))
def test_a_template_has_nothing_inline(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"\sstyle\s*=", text), "style attribute"
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text), "event handler attribute"
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "inline script"
    assert "<style" not in text
    assert "javascript:" not in text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(DASHBOARD / "templates")))
def test_a_template_names_icons_that_exist(template: Path) -> None:
    for name in re.findall(r'{% icon "([\w-]+)" %}', template.read_text()):
        assert name in PATHS, name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(DASHBOARD / "templates")))
def test_every_part_that_htmx_loads_can_be_reached_without_it(template: Path) -> None:
    for tag in re.findall(r"<a\s[^>]*hx-get[^>]*>", template.read_text()):
        assert "href=" in tag, tag
