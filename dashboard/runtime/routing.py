"""Sends a command to where it can work: this process, or the server that has the embedded engine open."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from dashboard import logging_setup
from dashboard.runtime import data_dir, relational
from dashboard.runtime.commands import run
from dashboard.runtime.control_client import NoServer, travel
from dashboard.runtime.profile import is_embedded
from dashboard.runtime.store import opened_store


class RoutedCommand(BaseCommand):
    """Stands in for one of our commands on the command line."""

    def __init__(self, command: BaseCommand) -> None:
        super().__init__()
        self._command = command

    def run_from_argv(self, argv: list[str]) -> None:
        """Parse here, so that help and mistakes are answered at once; then run. Ends the process."""
        name, arguments = argv[1], argv[2:]
        logging_setup.configure("WARNING")
        self.create_parser("belvedere", name).parse_args(arguments)
        try:
            sys.exit(self._run(name, arguments))
        except (data_dir.DataDirProblem, NoServer) as error:
            sys.exit(f"belvedere {name}: {error}")

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        parser = self._command.create_parser(prog_name, subcommand, **options)
        parser.called_from_command_line = True
        return parser

    def _run(self, name: str, arguments: list[str]) -> int:
        if getattr(self._command, "prepares_itself", False):
            return run(name, arguments)
        data_dir.prepare(settings.DATA_DIR)
        if not getattr(self._command, "needs_store", False):
            relational.make_if_new()
            return run(name, arguments)
        return run_with_store(name, arguments)


def run_with_store(name: str, arguments: list[str]) -> int:
    """Run the command where the store is open, in the server if one runs; its exit status."""
    if not is_embedded():
        return _run_here(name, arguments)
    try:
        with data_dir.owned(settings.DATA_DIR, command=name):
            return _run_here(name, arguments)
    except data_dir.DataDirBusy as busy:
        if busy.holder is not None and busy.holder.command != "up":
            raise
    return travel(settings.DATA_DIR, [name, *arguments])


def _run_here(name: str, arguments: list[str]) -> int:
    relational.migrate()
    with opened_store():
        return run(name, arguments)
