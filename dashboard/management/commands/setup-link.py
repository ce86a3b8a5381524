"""`belvedere setup-link`: a fresh one-time link for the first administrator."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.accounts.setup import setup_link
from dashboard.management.public_address import public_url


class Command(BaseCommand):
    help = "Print a link that makes the first administrator: works once, within 24 hours."

    def handle(self, *args: Any, **options: Any) -> None:
        link = setup_link(public_url())
        if link is None:
            raise CommandError(
                "there is an administrator with a second factor already; ask for an invitation, "
                "or use `belvedere reset-factors USER` if the factors are lost"
            )
        self.stdout.write(link)
