"""The relational database's tables: made and brought up to date by whoever starts first."""

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def migrate() -> bool:
    """Apply the migrations that are missing; True if there were any."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", interactive=False, verbosity=0)
    return True


def make_if_new() -> None:
    """Make the tables of a database that has none, so that a command may be the first thing someone runs."""
    if not connection.introspection.table_names():
        call_command("migrate", interactive=False, verbosity=0)
