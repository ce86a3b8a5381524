import os
from pathlib import Path

import pytest

from dashboard.cli import BadOption, take_global_options


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELVEDERE_DATA", "/somewhere")
    monkeypatch.delenv("BELVEDERE_LISTEN", raising=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["belvedere", "--data", "/d", "up", "--listen", "[::1]:9"],
        ["belvedere", "up", "--data=/d", "--listen=[::1]:9"],
    ],
)
def test_global_options_go_into_the_environment_wherever_they_stand(arguments: list[str]) -> None:
    assert take_global_options(arguments) == ["belvedere", "up"]
    assert os.environ["BELVEDERE_DATA"] == "/d"
    assert os.environ["BELVEDERE_LISTEN"] == "[::1]:9"


def test_a_relative_data_directory_counts_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    take_global_options(["belvedere", "up", "--data", "x"])
    assert os.environ["BELVEDERE_DATA"] == str(tmp_path / "x")


def test_a_tilde_in_the_data_directory_is_the_home_directory() -> None:
    take_global_options(["belvedere", "up", "--data=~/x"])
    assert os.environ["BELVEDERE_DATA"] == str(Path.home() / "x")


def test_what_follows_a_double_dash_is_left_alone() -> None:
    assert take_global_options(["belvedere", "shell", "--", "--data", "/d"]) == [
        "belvedere",
        "shell",
        "--",
        "--data",
        "/d",
    ]
    assert os.environ["BELVEDERE_DATA"] == "/somewhere"


@pytest.mark.parametrize("arguments", [["belvedere", "up", "--data"], ["belvedere", "--listen=", "up"]])
def test_a_global_option_without_its_value_is_refused(arguments: list[str]) -> None:
    with pytest.raises(BadOption, match="needs a value"):
        take_global_options(arguments)
