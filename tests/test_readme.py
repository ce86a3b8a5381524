"""What the README says is true: its settings table, its commands, its links."""

import re
from pathlib import Path

import pytest

from dashboard.env import REGISTRY

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def settings_of_the_table() -> list[str]:
    table = README.partition("<!-- settings:")[2].partition("<!-- /settings -->")[0]
    return re.findall(r"^\| `(BELVEDERE_[A-Z_]+)`", table, re.MULTILINE)


def test_every_setting_stands_in_the_table_once() -> None:
    assert sorted(settings_of_the_table()) == sorted(REGISTRY)


def test_each_row_says_what_the_code_says() -> None:
    for setting in REGISTRY.values():
        meaning = setting.meaning.replace("|", "\\|")
        row = next(line for line in README.splitlines() if line.startswith(f"| `{setting.name}` |"))
        assert meaning in row, setting.name


def test_no_default_names_a_path_of_a_machine() -> None:
    assert [setting.name for setting in REGISTRY.values() if "/tmp" in setting.default] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists(), target


def test_every_make_target_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= set(targets)
