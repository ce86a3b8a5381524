"""`belvedere budget check --service S`: may this service spend more? For pipelines."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from dashboard.panels.budgets import budget_rows
from dashboard.runtime.commands import StoreCommand
from fleet.selectors.budgets import budgets_of


class Command(StoreCommand):
    help = "Exit 0 if no budget of the service and its team is broken, 1 if one is, 2 if that cannot be said."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["check"])
        parser.add_argument("--service", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        service = options["service"]
        rows = budget_rows(budgets_of(service), datetime.now(UTC).date())
        for row in rows:
            self.stdout.write(f"{row.state:<13} {row.budget.name} ({row.budget.currency}): {row.reason}")
        if broken := [row.budget.name for row in rows if row.breaks]:
            raise CommandError(f"over budget: {', '.join(broken)}", returncode=1)
        if not rows:
            raise CommandError(f"no budget covers service {service!r} or its team", returncode=2)
        if unknown := [row.budget.name for row in rows if row.state == "unknown"]:
            raise CommandError(f"could not be checked: {', '.join(unknown)}", returncode=2)
