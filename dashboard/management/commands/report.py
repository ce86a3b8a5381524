"""`belvedere report costs --month 2026-10 --out FILE`: the one-page cost report as PDF."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from dashboard.reports.cost_month import cost_month
from dashboard.reports.cost_pdf import cost_pdf
from dashboard.runtime.commands import StoreCommand
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError


class Command(StoreCommand):
    help = "Write the cost report of a month as PDF; the same month and --at give the same file."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["costs"])
        parser.add_argument("--month", required=True, metavar="YYYY-MM")
        parser.add_argument("--out", required=True, metavar="FILE")
        parser.add_argument("--at", metavar="TIME", help="with the bills and rules that counted then")

    def handle(self, *args: Any, **options: Any) -> None:
        file = Path(options["out"])
        try:
            month = cost_month(read_month(options["month"]), _moment(options["at"]))
            file.write_bytes(cost_pdf(month))
        except (TelemetryError, DocumentError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{file}: {month.first:%Y-%m}, {month.billed:.2f} {month.currency} billed")


def read_month(text: str) -> date:
    """First day of "2026-10". Raises CommandError."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise CommandError(f"{text!r} is not a month such as 2026-10") from error


def _moment(text: str | None) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a time such as 2026-01-31T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
