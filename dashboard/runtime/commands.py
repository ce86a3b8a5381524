"""Runs one of our commands, in a process of its own or inside the server, with the same words either way."""

import sys
import threading
from collections.abc import Callable
from typing import Any, ClassVar, Final, TextIO

import structlog
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError
from django.core.management.color import color_style, no_style
from django.db import connections

CANCELLED: Final = 130
"""Exit status of a command that was stopped by Ctrl-C, as shells have it."""

_log = structlog.get_logger("belvedere.commands")


class StoreCommand(BaseCommand):
    """A command that needs the telemetry store, so it runs in the process that has it open.

    It writes to `self.stdout` and `self.stderr` only: its process's own may be those of the server. Writing
    after Ctrl-C raises KeyboardInterrupt. Commands of other floors set `needs_store = True` themselves.
    """

    needs_store: ClassVar[bool] = True


class Cancelled(threading.Event):
    """Set when the person at the terminal wants the command to stop."""


class _Stream:
    """A text stream that stops its writer once `cancelled` is set."""

    def __init__(self, stream: TextIO, cancelled: Cancelled) -> None:
        self._stream = stream
        self._cancelled = cancelled

    def write(self, text: str) -> int:
        if self._cancelled.is_set():
            raise KeyboardInterrupt
        written = self._stream.write(text)
        self._stream.flush()
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def load(name: str) -> BaseCommand:
    """The command called `name`. Raises CommandError if there is none."""
    try:
        return load_command_class(get_commands()[name], name)
    except KeyError as error:
        raise CommandError(f"there is no command {name!r}") from error


def run(
    name: str,
    arguments: list[str],
    *,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    cancelled: Cancelled | None = None,
) -> int:
    """Run the command to its end; its exit status. Every fault becomes a sentence on `stderr`."""
    stdout, stderr, cancelled = stdout or sys.stdout, stderr or sys.stderr, cancelled or Cancelled()
    try:
        return _status_of(lambda: _execute(name, arguments, stdout, stderr, cancelled))
    except CommandError as error:
        stderr.write(f"belvedere {name}: {error}\n")
        return error.returncode
    except KeyboardInterrupt:
        stderr.write(f"belvedere {name}: stopped\n")
        return CANCELLED
    except BrokenPipeError:
        return 1  # whoever read the output has gone, such as `head`
    except Exception as error:  # an outer edge: the server must survive its commands
        _log.exception("command failed", command=name)
        stderr.write(f"belvedere {name}: {type(error).__name__}: {error}\n")
        return 1
    finally:
        connections.close_all()


def _status_of(execute: Callable[[], None]) -> int:
    try:
        execute()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _execute(name: str, arguments: list[str], stdout: TextIO, stderr: TextIO, cancelled: Cancelled) -> None:
    command = load(name)
    command.style = color_style(force_color=True) if stdout.isatty() else no_style()
    options = vars(command.create_parser("belvedere", name).parse_args(arguments))
    positional = options.pop("args", ())
    command.execute(
        *positional, **{**options, "stdout": _Stream(stdout, cancelled), "stderr": _Stream(stderr, cancelled)}
    )
