"""Finds and runs subcommands; lists Belvedere's own before Django's."""

import sys
from collections.abc import Iterator
from typing import Any, Final

from django.core.management import ManagementUtility, get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.core.management.color import color_style

from dashboard.runtime.routing import RoutedCommand
from dashboard.version import VERSION

OWN_FOLDERS: Final = ("dashboard", "collectors", "policies", "fleet")
FIRST: Final = ("up", "status")
"""Commands that head the list; the others follow by name."""


class CommandLine(ManagementUtility):
    """Django's command line with our help and our way to the store."""

    def __init__(self, argv: list[str]) -> None:
        super().__init__(argv)
        self.prog_name = "belvedere" if self.prog_name in ("belvedere", "__main__.py") else self.prog_name

    def main_help_text(self, commands_only: bool = False) -> str:
        if commands_only:
            return super().main_help_text(commands_only=True)
        return "\n".join(self._help_lines())

    def _help_lines(self) -> Iterator[str]:
        style = color_style()
        commands = get_commands()
        own = sorted(filter(lambda name: _is_own(commands[name]), commands), key=_place)
        width = max(map(len, own), default=0)
        yield f"Usage: {self.prog_name} COMMAND [--data DIR] [options]"
        yield ""
        yield f"`{self.prog_name} help COMMAND` explains one command. --data names the data directory."
        yield ""
        yield style.NOTICE("Belvedere")
        for name in own:
            yield f"  {name:<{width}}  {_first_line(commands[name], name)}"
        yield ""
        yield style.NOTICE("Django")
        yield from _wrapped(sorted(set(commands) - set(own)))

    def execute(self) -> None:
        if self.argv[1:] in (["--version"], ["version"]):
            sys.stdout.write(f"Belvedere {VERSION}\n")
        else:
            super().execute()

    def fetch_command(self, subcommand: str) -> BaseCommand:
        command = super().fetch_command(subcommand)
        return RoutedCommand(command) if _is_own(get_commands().get(subcommand)) else command


def _is_own(owner: Any) -> bool:
    return isinstance(owner, str) and owner.partition(".")[0] in OWN_FOLDERS


def _place(name: str) -> tuple[int, str]:
    return (FIRST.index(name) if name in FIRST else len(FIRST), name)


def _first_line(owner: Any, name: str) -> str:
    return str(load_command_class(owner, name).help).strip().partition("\n")[0]


def _wrapped(names: list[str], width: int = 100) -> Iterator[str]:
    line = ""
    for name in names:
        if line and len(line) + len(name) > width:
            yield line
            line = ""
        line += f"  {name}"
    if line:
        yield line
