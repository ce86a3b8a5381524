"""`belvedere token create|list|revoke`: API tokens from the shell."""

import argparse
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from fleet.actions.services import ensure_service
from fleet.models import ApiToken
from fleet.tokens import SCOPES, UnknownScope, create_token, revoke_token

ACTOR = "system"


class Command(BaseCommand):
    help = "Create, list and revoke API tokens.\n\nScopes: " + "; ".join(f"{s} ({w})" for s, w in SCOPES.items()) + "."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="create|list|revoke")
        create = actions.add_parser("create", help="print a new token, alone, on standard output")
        create.add_argument("--name", required=True, help="who or what uses it")
        create.add_argument("--scopes", required=True, help=f"comma-separated: {', '.join(SCOPES)}")
        create.add_argument("--service", help="service that everything sent with it belongs to")
        create.add_argument("--days", type=_days, help="days until it expires (default: never)")
        actions.add_parser("list", help="all tokens with state and last use")
        revoke = actions.add_parser("revoke", help="end a token at once")
        revoke.add_argument("token", help="its name, its id (the part after bv_), or the token itself")

    def handle(self, *args: Any, **options: Any) -> None:
        match options["action"]:
            case "create":
                self._create(options)
            case "list":
                self._list()
            case "revoke":
                self._revoke(options["token"])

    def _create(self, options: dict[str, Any]) -> None:
        scopes = [word.strip() for word in options["scopes"].split(",") if word.strip()]
        days, name = options["days"], options["service"]
        try:
            _, text = create_token(
                name=options["name"],
                scopes=scopes,
                actor=ACTOR,
                service=ensure_service(name) if name else None,
                expires_at=timezone.now() + timedelta(days=days) if days else None,
            )
        except UnknownScope as error:
            raise CommandError(str(error)) from error
        self.stdout.write(text)

    def _list(self) -> None:
        rows: list[tuple[str, ...]] = [("ID", "NAME", "STATE", "SCOPES", "SERVICE", "LAST USED", "EXPIRES")]
        rows += [_row(token) for token in ApiToken.objects.select_related("service")]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            self.stdout.write("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())

    def _revoke(self, word: str) -> None:
        live = ApiToken.objects.filter(revoked_at=None)
        public_id = word.removeprefix("bv_").partition("_")[0]
        found = list(live.filter(public_id=public_id) or live.filter(name=word))
        if not found:
            raise CommandError(f"no live token has the id or name {word!r}; `belvedere token list` shows them")
        if len(found) > 1:
            ids = ", ".join(token.public_id for token in found)
            raise CommandError(f"{len(found)} tokens are called {word!r}; revoke one by its id: {ids}")
        revoke_token(token=found[0], actor=ACTOR)
        self.stdout.write(f"revoked {found[0].name} ({found[0].public_id})")


def _days(text: str) -> int:
    days = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= days <= 3650:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 1 to 3650")
    return days


def _row(token: ApiToken) -> tuple[str, ...]:
    expired = token.expires_at is not None and token.expires_at <= timezone.now()
    return (
        token.public_id,
        token.name,
        "revoked" if token.revoked_at else "expired" if expired else "active",
        ",".join(token.scopes),
        token.service.name if token.service else "any",
        _minute(token.last_used_at),
        _minute(token.expires_at),
    )


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"
