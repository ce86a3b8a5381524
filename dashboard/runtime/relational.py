"""The relational database's tables: made and brought up to date by whoever starts first."""

import contextlib
from collections.abc import Iterator
from typing import Final

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

_MIGRATION_LOCK: Final = 0x42454C57


def migrate() -> bool:
    """Apply the migrations that are missing; True if there were any. Processes that start together take turns."""
    if not _missing():
        return False
    with _one_process_at_a_time():
        call_command("migrate", interactive=False, verbosity=0)
    return True


def _missing() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextlib.contextmanager
def _one_process_at_a_time() -> Iterator[None]:
    """PostgreSQL only: an SQLite file belongs to the one process that owns the data directory."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])


def make_if_new() -> None:
    """Make the tables of a database that has none, so that a command may be the first thing someone runs."""
    if not connection.introspection.table_names():
        call_command("migrate", interactive=False, verbosity=0)
