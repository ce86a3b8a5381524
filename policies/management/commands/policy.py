"""`belvedere policy ...`: asks a policy what it would do, without doing it."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from policies.scaling.decision_cases import BadCase, decide_all

MAX_BYTES: Final = 64 * 1024 * 1024


class Command(BaseCommand):
    help = "Ask a policy what it would decide; nothing is changed."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        decide = verbs.add_parser("decide", help="replica counts of the cases in a JSON file, as a JSON list")
        decide.add_argument("file", metavar="FILE", help="cases: kind, current_replicas, levels, target, pod states")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            decisions = decide_all(_json(Path(options["file"])))
        except BadCase as error:
            raise CommandError(f"{options['file']}: {error}") from error
        self.stdout.write(json.dumps([decision.as_dict() for decision in decisions], indent=2))


def _json(file: Path) -> object:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CommandError(f"{file} is larger than the {MAX_BYTES} bytes that are read")
        return json.loads(file.read_bytes())
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{file} is not JSON: {error}") from error
