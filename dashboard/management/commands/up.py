"""`belvedere up`: everything in one process and one data directory."""

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard.runtime import data_dir
from dashboard.runtime.server import ListenProblem, Server, bind, configuration


class Command(BaseCommand):
    help = "Serve everything from one process: pages, receivers, store, background work."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--listen", metavar="HOST:PORT", help="address to listen on (default 127.0.0.1:8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        try:
            data_dir.prepare(settings.DATA_DIR)
            with data_dir.owned(settings.DATA_DIR, command="up", listen=settings.LISTEN, wait_seconds=2):
                self._run()
        except (data_dir.DataDirProblem, ListenProblem) as error:
            raise CommandError(str(error)) from error

    def _run(self) -> None:
        sock = bind(settings.LISTEN)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        from dashboard.asgi import application  # noqa: PLC0415 - static files must be there before it reads them

        server = Server(configuration(application), ready=self._greet)
        server.run(sockets=[sock])
        if not server.started:
            raise CommandError("the start failed; the log events above say why")

    def _greet(self) -> None:
        self.stdout.write(f"Belvedere listens on {settings.PUBLIC_URL}")
        self.stdout.write(f"Data directory: {settings.DATA_DIR}")
