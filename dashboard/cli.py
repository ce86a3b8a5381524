"""The console command `belvedere`: reads `--data` and `--listen` before Django is set up, then runs a subcommand."""

import os
import sys
from pathlib import Path
from typing import Final

import django
from django.core.exceptions import ImproperlyConfigured

GLOBAL_OPTIONS: Final = {"--data": "BELVEDERE_DATA", "--listen": "BELVEDERE_LISTEN"}
"""Option -> environment variable that carries it to the settings."""


class BadOption(ValueError):
    """An option that every command has was given without its value."""


def main() -> None:
    """Run the command line of this process; ends it with the command's exit status."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    try:
        arguments = take_global_options(sys.argv)
        django.setup()
    except (BadOption, ImproperlyConfigured) as error:
        sys.exit(f"belvedere: {error}")
    from dashboard.runtime.command_line import CommandLine  # noqa: PLC0415 - needs the models

    CommandLine(arguments).execute()


def take_global_options(arguments: list[str]) -> list[str]:
    """`arguments` without the global options, whose values go into the environment. Raises BadOption."""
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
            break
        option, equals, value = word.partition("=")
        if option not in GLOBAL_OPTIONS:
            rest.append(word)
            continue
        if not equals:
            value = next(words, "")
        if not value:
            raise BadOption(f"{option} needs a value")
        os.environ[GLOBAL_OPTIONS[option]] = value
    if directory := os.environ.get("BELVEDERE_DATA"):
        os.environ["BELVEDERE_DATA"] = str(Path(directory).expanduser().absolute())
    return rest
