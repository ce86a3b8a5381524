"""`belvedere settings`: every environment variable, what it means and what it is now."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.env import REGISTRY, Setting
from dashboard.logging_setup import masked_text


class Command(BaseCommand):
    help = "List every setting with its value; secrets are not shown."
    requires_system_checks = []
    prepares_itself = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--markdown", action="store_true", help="as the table of the README: without values of now")
        parser.add_argument("--changed", action="store_true", help="only what differs from the default")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["markdown"]:
            self.stdout.write(markdown_table())
            return
        for setting in REGISTRY.values():
            if not options["changed"] or is_set(setting):
                self.stdout.write(f"{setting.name}={shown_value(setting)}")
                self.stdout.write(f"    {setting.meaning}; default {setting.default or 'empty'}")


def is_set(setting: Setting) -> bool:
    return setting.name in os.environ or f"{setting.name}_FILE" in os.environ


def shown_value(setting: Setting) -> str:
    """The value of now; for a secret only whether there is one, and the address part of a URL."""
    if f"{setting.name}_FILE" in os.environ:
        return f"(from {os.environ[f'{setting.name}_FILE']})"
    value = os.environ.get(setting.name, setting.default)
    if setting.secret and is_set(setting):
        return masked_text(value) if "://" in value else "***"
    return value


def markdown_table() -> str:
    """Name, default and meaning of each setting, in the order of `settings.py`."""
    rows = [
        f"| `{setting.name}` | {f'`{setting.default}`' if setting.default else ''} | {setting.meaning} |"
        for setting in REGISTRY.values()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])
