"""`belvedere worker`: jobs, beat and scrapes of a cluster."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dashboard import logging_setup
from dashboard.composition import worker_parts
from dashboard.runtime import data_dir, relational
from dashboard.runtime.parts import Parts
from dashboard.runtime.profile import background_runs_inside
from dashboard.runtime.server import leave, raise_file_limit
from dashboard.runtime.worker_process import run_until_signal


class Command(BaseCommand):
    help = "Run background work in a process of its own, beside `belvedere up` on PostgreSQL, Redis and ClickHouse."
    requires_system_checks = []
    prepares_itself = True

    def handle(self, *args: Any, **options: Any) -> None:
        if background_runs_inside():
            raise CommandError(
                "`belvedere up` does the background work itself while BELVEDERE_BROKER_URL is memory:// or "
                "BELVEDERE_TELEMETRY_URL is chdb://; a worker of its own needs a broker and a ClickHouse server"
            )
        raise_file_limit()
        logging_setup.configure(settings.LOG_LEVEL)
        data_dir.prepare(settings.DATA_DIR)
        relational.migrate()
        self.stdout.write("Belvedere works in the background. Stop with Ctrl-C.")
        if not run_until_signal(Parts(worker_parts())):
            leave(0)
