"""`belvedere import KIND ...`: brings a file (or what a URL gives) into the mirror, the bills, ..."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from collectors.imports import KINDS
from collectors.outbound import OutboundError


class Command(BaseCommand):
    help = "Import advisories, bills and the like from a file or URL."
    needs_store = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
        for name, kind in KINDS.items():
            kind.add_arguments(kinds.add_parser(name, help=kind.help, description=kind.help))

    def handle(self, *args: Any, **options: Any) -> None:
        kind = KINDS[options["kind"]]
        try:
            sentence = kind.run(options, self.stdout.write)
        except (OutboundError, ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(sentence)
