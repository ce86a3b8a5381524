"""`belvedere status`: does it run, and does it work?"""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard.runtime import data_dir
from dashboard.runtime.control_client import NoServer, travel
from dashboard.runtime.readiness import Readiness, probe
from dashboard.version import VERSION

NOT_RUNNING = 3
"""Exit status where nothing runs, as service managers have it."""


class Command(BaseCommand):
    help = "Say whether Belvedere runs on the data directory and whether everything it needs works."
    requires_system_checks = []
    prepares_itself = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")
        parser.add_argument("--here", action="store_true", help="answer from this process (the server asks itself so)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["here"]:
            self._report(probe.ask(), as_json=options["json"])
            return
        holder = data_dir.holder_of(settings.DATA_DIR)
        if holder is None:
            raise CommandError(f"nothing runs on {settings.DATA_DIR}", returncode=NOT_RUNNING)
        if holder.command != "up":
            raise CommandError(f"{holder} uses {settings.DATA_DIR}", returncode=NOT_RUNNING)
        if not options["json"]:
            self.stdout.write(f"{holder} runs on {settings.DATA_DIR}")
        try:
            status = travel(settings.DATA_DIR, ["status", "--here", *(["--json"] if options["json"] else [])])
        except NoServer as error:
            raise CommandError(str(error)) from error
        raise SystemExit(status)

    def _report(self, readiness: Readiness, *, as_json: bool) -> None:
        if as_json:
            document = {"version": VERSION, "ready": readiness.ready, "faults": dict(readiness.faults)}
            self.stdout.write(json.dumps(document))
        else:
            self.stdout.write(f"version {VERSION}")
            for name, fault in readiness.faults.items():
                self.stdout.write(f"{name}: {fault or 'works'}")
        raise SystemExit(0 if readiness.ready else 1)
