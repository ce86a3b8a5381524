"""`belvedere export costs --from 2026-10-01 --to 2026-10-31 --out FILE`: charges as a FOCUS file with their owners."""

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from dashboard.reports.focus_export import write_focus
from dashboard.runtime.commands import StoreCommand
from telemetry.model.errors import TelemetryError


class Command(StoreCommand):
    help = "Write the charges of some days in FOCUS form with x_service, x_environment and x_team."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["costs"])
        parser.add_argument("--from", dest="first", required=True, metavar="DATE", help="first UTC day")
        parser.add_argument("--to", dest="last", required=True, metavar="DATE", help="last UTC day, included")
        parser.add_argument("--out", required=True, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        first, last = _day(options["first"]), _day(options["last"])
        if last < first:
            raise CommandError(f"--to {last} is before --from {first}")
        try:
            with Path(options["out"]).open("w", encoding="utf-8", newline="") as out:
                count = write_focus(first, last, out)
        except (TelemetryError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['out']}: {count} charges")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a day such as 2026-01-31") from error
