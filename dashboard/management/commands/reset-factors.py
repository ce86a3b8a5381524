"""`belvedere reset-factors USER`: for someone who lost the authenticator and the recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from dashboard.accounts.factors import reset_factors
from dashboard.accounts.models import User
from dashboard.accounts.sessions import end_sessions
from dashboard.accounts.setup import invitation_link
from dashboard.management.public_address import public_url
from fleet.actions.audit import record


class Command(BaseCommand):
    help = "Remove the second factors of a user, who enrols anew at the next sign-in; all sessions end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name")
        parser.add_argument("--password-link", action="store_true", help="also print a link that sets a new password")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"there is no user called {options['user']!r}")
        with transaction.atomic():
            removed = reset_factors(user)
            end_sessions(user)
            record(
                actor="system",
                action="user.factors_reset",
                object_type="user",
                object_id=user.get_username(),
                detail={"removed": removed},
            )
        self.stdout.write(f"{user.get_username()} has no second factor now and enrols at the next sign-in")
        if options["password_link"]:
            self.stdout.write(invitation_link(user, actor="system", base=public_url()))
