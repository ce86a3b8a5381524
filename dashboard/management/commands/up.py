"""`belvedere up`: everything in one process and one data directory."""

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard import logging_setup
from dashboard.runtime import data_dir, relational, static_root
from dashboard.runtime.greeting import greeting
from dashboard.runtime.listening import ListenProblem, bind
from dashboard.runtime.profile import background_runs_inside
from dashboard.runtime.server import Server, configuration, leave, raise_file_limit
from fleet.jobs import release_all


class Command(BaseCommand):
    help = "Serve everything from one process: pages, receivers, store and background work."
    requires_system_checks = ["gate"]  # every view declares who may call it; the others need the database
    prepares_itself = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--listen", metavar="HOST:PORT", help="address to listen on (default 127.0.0.1:8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        raise_file_limit()
        logging_setup.configure(settings.LOG_LEVEL)
        try:
            data_dir.prepare(settings.DATA_DIR)
            with data_dir.owned(settings.DATA_DIR, command="up", listen=settings.LISTEN, wait_seconds=2):
                clean = self._serve()
        except (data_dir.DataDirProblem, ListenProblem) as error:
            raise CommandError(str(error)) from error
        if not clean:
            leave(0)

    def _serve(self) -> bool:
        """Serve until a signal; True if everything stopped in time."""
        sock = bind(settings.LISTEN)
        with ThreadPoolExecutor(1) as beside:
            collected = beside.submit(static_root.collect_if_changed)
            relational.migrate()
            if background_runs_inside():
                release_all()  # whoever ran them is gone: we own the data directory
            collected.result()
        from dashboard.asgi import application  # noqa: PLC0415 - it reads the collected files and the tables

        server = Server(configuration(application), ready=self._greet)
        with contextlib.suppress(SystemExit):  # how uvicorn says that the lifespan refused to start
            server.run(sockets=[sock])
        if application.failure is not None:
            raise CommandError(f"it cannot start: {application.failure}") from application.failure
        return application.stopped_in_time

    def _greet(self) -> None:
        self.stdout.write(greeting())
        self.stdout.flush()
